package secrets

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isUpper(c byte) bool  { return 'A' <= c && c <= 'Z' }
func isLower(c byte) bool  { return 'a' <= c && c <= 'z' }
func isLetter(c byte) bool { return isUpper(c) || isLower(c) }
func isBlank(c byte) bool  { return c == ' ' || c == '\t' }
func isQuote(c byte) bool  { return c == '"' || c == '\'' || c == '`' }

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

// isWord is what `\w` is in a pattern.
func isWord(c byte) bool { return isLetter(c) || isDigit(c) || c == '_' }

// isName is what a name in text is made of.
func isName(c byte) bool { return isWord(c) || c == '-' || c == '.' }

// runEnd is where the run of bytes of a class that begins at i ends.
func runEnd(text string, i int, is func(byte) bool) int {
	for i < len(text) && is(text[i]) {
		i++
	}
	return i
}

// runStart is where the run of bytes of a class that ends at i begins, no further back than least.
func runStart(text string, i, least int, is func(byte) bool) int {
	for i > max(least, 0) && is(text[i-1]) {
		i--
	}
	return i
}

func allHex(text string, from, to int) bool {
	return to <= len(text) && runEnd(text[:to], from, isHex) == to
}

// escapeAt is how long the escape is that begins at i (`\n`, `\x41`, `\u0041`, `%20`), 0 if none does.
func escapeAt(text string, i int) int {
	rest := text[i:]
	switch {
	case len(rest) < 2:
		return 0
	case rest[0] == '%' && allHex(rest, 1, 3):
		return 3
	case rest[0] != '\\':
		return 0
	case isEscapeLetter(rest[1]):
		return 2
	case rest[1] == 'x' && allHex(rest, 2, 4):
		return 4
	case rest[1] == 'u' && allHex(rest, 2, 6):
		return 6
	default:
		return 0
	}
}

func isEscapeLetter(c byte) bool {
	return c == 'b' || c == 'f' || c == 'n' || c == 'r' || c == 't'
}

// isEdge says whether a word begins or ends at i: `\b` in a pattern.
func isEdge(text string, i int) bool {
	before := i > 0 && isWord(text[i-1])
	return before != (i < len(text) && isWord(text[i]))
}
