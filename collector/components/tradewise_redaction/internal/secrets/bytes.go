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

// escapeEnds says whether an escape (`\n`, `\x41`, `\u0041`, `%20`) ends right before i.
func escapeEnds(text string, i int) bool {
	switch {
	case i >= 2 && text[i-2] == '\\' && isEscapeLetter(text[i-1]):
		return true
	case i >= 3 && text[i-3] == '%' && allHex(text, i-2, i):
		return true
	case i >= 4 && text[i-4] == '\\' && text[i-3] == 'x' && allHex(text, i-2, i):
		return true
	default:
		return i >= 6 && text[i-6] == '\\' && text[i-5] == 'u' && allHex(text, i-4, i)
	}
}

func isEscapeLetter(c byte) bool {
	return c == 'b' || c == 'f' || c == 'n' || c == 'r' || c == 't'
}

// mayStart says whether a secret without a name may begin at i: at a word's edge, behind `_`, or behind an escape,
// which ends in what looks like its first letter.
func mayStart(text string, i int) bool {
	if i == 0 {
		return isWord(text[0])
	}
	return isWord(text[i-1]) != isWord(text[i]) || text[i-1] == '_' || escapeEnds(text, i)
}
