package secrets

import (
	"regexp"
	"strings"
)

// Values beside sensitive names in text: `password=…`, `"token": "…"`, `X-Api-Key: …`. A keyword is widened to the
// name around it by hand, and only where that is sensitive, and something separates it from a value, patterns are
// tried: first the one for names, then one for each form that a value can have.

// namedRules are the catalogue's rules `named_*`, which share the pattern of the name.
type namedRules struct {
	mask  uint64
	head  *regexp.Regexp
	forms []valueForm
}

type valueForm struct {
	kind    uint8
	id      string
	pattern *regexp.Regexp
}

const (
	nameBytes   = 64
	leftBytes   = 96
	afterStem   = 40
	quotesLimit = 12
	blanksLimit = 8
	// An object has up to 1,000 bytes, and is none without its end.
	objectWindow = 1280
	// `b"…"`, `rb'…'`
	prefixLetters = 2
)

func (n *namedRules) add(kind uint8, row catalogueRule) {
	n.mask |= 1 << kind
	n.forms = append(n.forms, valueForm{kind, row.ID, anchored(row.Pattern)})
}

func (n *namedRules) compile(head string) { n.head = regexp.MustCompile(head) }

// tryNamed looks at the name around the keyword at i.
func (e *Engine) tryNamed(s *search, i int) {
	if i < s.nameFrom {
		return
	}
	left := runStart(s.text, i, i-leftBytes, isName)
	right := runEnd(s.text[:min(i+nameBytes, len(s.text))], i, isName)
	if right == i+nameBytes {
		// Too far from its separator; a later keyword in the same run may be nearer.
		return
	}
	if sep := separatorAt(s.text, right); sep >= 0 && e.mayBeSensitive(s.text, left, right) {
		e.tryHead(s, max(left, s.nameFrom), right, sep)
	}
	if right-left <= afterStem {
		// All keywords of so short a name see the same.
		s.nameFrom = max(s.nameFrom, right)
	}
}

// separatorAt is where the `=` or `:` stands behind a name that ends at i, or -1.
func separatorAt(text string, i int) int {
	for n := 0; n < quotesLimit && i < len(text); n++ {
		if c := text[i]; c == '\\' || isQuote(c) || c == ']' {
			i++
		} else if strings.HasPrefix(text[i:], "%22") || strings.HasPrefix(text[i:], "%27") {
			i += 3
		} else {
			break
		}
	}
	i = runEnd(text[:min(i+blanksLimit, len(text))], i, isBlank)
	switch rest := text[i:]; {
	case strings.HasPrefix(rest, "="), strings.HasPrefix(rest, ":"):
		return i
	case len(rest) >= 3 && rest[:2] == "%3" && strings.IndexByte("adAD", rest[2]) >= 0:
		return i
	default:
		return -1
	}
}

// mayBeSensitive asks for the name as it stands, and without the end of an escape before it (`\ntoken`, `%20token`).
func (e *Engine) mayBeSensitive(text string, left, right int) bool {
	escaped := escapeIn(text, left, right)
	return e.Key(text[left:right]).Sensitive || (escaped > 0 && e.Key(text[left+escaped:right]).Sensitive)
}

// escapeIn is how many bytes from left on belong to an escape that begins before, 0 if none does.
func escapeIn(text string, left, right int) int {
	switch {
	case left == 0 || left == right:
		return 0
	case text[left-1] == '\\' && text[left] == 'u' && left+5 <= right && allHex(text, left+1, left+5):
		return 5
	case text[left-1] == '\\' && isLower(text[left]):
		return 1
	case text[left-1] == '%' && left+2 <= right && allHex(text, left, left+2):
		return 2
	default:
		return 0
	}
}

// tryHead finds the name and its separator by the catalogue's pattern, and then the value.
func (e *Engine) tryHead(s *search, left, right, sep int) {
	const separator = 16
	found := e.named.head.FindStringIndex(s.text[left:min(sep+separator, len(s.text))])
	if found == nil || left+found[0] >= right {
		return
	}
	start, end := left+found[0], left+found[1]
	s.nameFrom = end
	if s.names++; s.names > e.MatchesLimit {
		s.giveUp(start, e.named.forms[len(e.named.forms)-1].kind)
		return
	}
	// A value that begins inside a masked one ends with it; one that begins after it is new.
	if end < s.covered {
		return
	}
	if name := e.sensitiveName(s.text, runStart(s.text, start, start-leftBytes, isName), start, right); name != "" {
		e.values(s, sep, end, name)
	}
}

func (e *Engine) sensitiveName(text string, left, start, right int) string {
	if escaped := escapeIn(text, left, start); escaped > 0 && e.Key(text[left+escaped:right]).Sensitive {
		return text[left+escaped : right]
	}
	if e.Key(text[left:right]).Sensitive {
		return text[left:right]
	}
	return ""
}

// values looks for a value in each form: what begins with a letter may be two of them (`b"…"`).
func (e *Engine) values(s *search, sep, i int, name string) {
	for _, form := range e.named.forms {
		if !mayOpen(form.id, s.text[i:]) {
			continue
		}
		size := window
		switch form.id {
		case "named_object":
			size = objectWindow
		case "named_bare":
			size += schemeBytes(s.text[i:])
		}
		start, end, ok := s.match(form.pattern, i, 1, size, form.kind)
		if !ok && form.id == "named_bare" && sep+1 < i && s.text[sep+1] == '=' {
			// The second half of `==` or `:=` is a value of its own if nothing else is.
			start, end, ok = s.match(form.pattern, sep+1, 1, size, form.kind)
		}
		if ok && !e.isHarmless(s.text, i, start, end, name) {
			s.add(start, end, form.kind)
			s.covered = max(s.covered, end)
		}
	}
}

// mayOpen looks at the first bytes of a value: most forms are out of the question.
func mayOpen(form, value string) bool {
	if value == "" {
		return form == "named_bare"
	}
	quote := value[min(runEnd(value[:min(prefixLetters, len(value))], 0, isLetter), len(value)-1)]
	switch form {
	case "named_double":
		return quote == '"'
	case "named_single":
		return quote == '\'' || quote == '\\'
	case "named_escaped", "named_deep":
		return value[0] == '\\'
	case "named_object":
		return value[0] == '{' || value[0] == '['
	default:
		return true
	}
}

// schemeBytes is how long `Bearer` and all blanks behind it are.
func schemeBytes(text string) int {
	word := runEnd(text, 0, isLetter)
	return runEnd(text, word, func(c byte) bool { return isBlank(c) || strings.IndexByte("+%20", c) >= 0 })
}

func (e *Engine) isHarmless(text string, valueFrom, start, end int, name string) bool {
	value := text[start:end]
	switch {
	case e.isInnocent(value):
		return true
	case text[start-1] == '\'' || text[start-1] == '"':
		return false
	case isBlank(text[valueFrom-1]) && text[runStart(text, valueFrom, valueFrom-9, isBlank)-1] == ':':
		return e.isProse(name, value)
	default:
		return isCode(name, value, text[end:])
	}
}

// isProse says whether `name: value` reads as a sentence (`invalid token: expired`, `missing key: bot_id`).
func (e *Engine) isProse(name, value string) bool {
	return e.LastWords.has(fold(name)) || e.Prose.has(fold(strings.Trim(value, ".!?:")))
}

var codePattern = whole(`[A-Za-z_][A-Za-z0-9_]*(?:[.][A-Za-z_][A-Za-z0-9_]*)*`)

// isCode says whether the value is code (`api_key=settings.api_key`, `token=make_token(`) or a join.
func isCode(name, value, after string) bool {
	if !codePattern.MatchString(value) {
		return false
	}
	parts := strings.Split(fold(value), ".")
	own := fold(strings.Trim(name[strings.LastIndexByte(name, '.')+1:], "_"))
	call := strings.HasPrefix(after, "(") && (len(parts) > 1 || strings.Contains(parts[0], "_"))
	same := strings.Trim(parts[len(parts)-1], "_") == own && (len(parts) > 1 || strings.Contains(own, "_"))
	return same || call
}
