package secrets

import "strings"

// Secrets in the authority of URLs. `://` is met in every other clean text, so this is written by hand; the
// catalogue's patterns of the same rules hold it to account (oracle_test.go).
type urlRules struct {
	mask                   uint64
	password, slash, token uint8
}

const (
	userBytes  = 256
	slashBytes = 512
	tokenBytes = 20
)

// byHand notes the kinds of rules that no pattern is compiled for.
func (e *Engine) byHand(id string, kind uint8) bool {
	switch id {
	case "url_password":
		e.urls.password = kind
	case "url_password_slash":
		e.urls.slash = kind
	case "url_user_token":
		e.urls.token = kind
	case "card_number":
		e.card = kind
		return true
	default:
		return false
	}
	e.urls.mask |= 1 << kind
	return true
}

// tryURL looks at the authority behind the `://` at i.
func (e *Engine) tryURL(s *search, i int) {
	user := i + len("://")
	end := runEnd(s.text, user, isUser)
	if end == len(s.text) {
		return
	}
	if s.text[end] == '@' {
		if end-user >= tokenBytes && runEnd(s.text, user, func(c byte) bool { return isWord(c) || c == '-' }) == end {
			e.addURL(s, user, end, e.urls.token)
		}
		return
	}
	if s.text[end] == ':' && end-user <= userBytes {
		e.tryPassword(s, end+1)
		e.trySlash(s, end+1)
	}
}

// tryPassword takes all up to the last `@` of the authority for the password that begins at i.
func (e *Engine) tryPassword(s *search, i int) {
	end := runEnd(s.text, i, func(c byte) bool { return isAuthority(c) && !isPath(c) })
	if at := strings.LastIndexByte(s.text[i:end], '@'); at > 0 {
		e.addURL(s, i, i+at, e.urls.password)
	}
}

// trySlash looks for a password that holds what should have been escaped: it is no port, and a host comes behind it.
func (e *Engine) trySlash(s *search, i int) {
	slash := runEnd(s.text, i, func(c byte) bool { return isAuthority(c) && !isPath(c) && c != '@' })
	if slash == len(s.text) || !isPath(s.text[slash]) || runEnd(s.text, i, isDigit) == slash {
		return
	}
	limit := min(slash+1+slashBytes, len(s.text))
	at := runEnd(s.text[:limit], slash+1, func(c byte) bool { return isAuthority(c) && c != '@' })
	if at+1 < len(s.text) && s.text[at] == '@' && (isLetter(s.text[at+1]) || isDigit(s.text[at+1])) {
		e.addURL(s, i, at, e.urls.slash)
	}
}

func (e *Engine) addURL(s *search, start, end int, kind uint8) {
	if start >= s.from[kind] && !e.isInnocent(s.text[start:end]) {
		s.add(start, end, kind)
		s.from[kind] = end
	}
}

func isPath(c byte) bool { return c == '/' || c == '?' || c == '#' }

// isAuthority is what cannot end a URL in text.
func isAuthority(c byte) bool {
	return c > ' ' && c != '"' && c != '\'' && c != '<' && c != '>'
}

func isUser(c byte) bool {
	return isAuthority(c) && !isPath(c) && c != '@' && c != ':' && c != '\\'
}
