package secrets

import (
	"encoding/base64"
	"strings"
)

// What a pattern cannot say of its match; by rule id, as the catalogue's docstring has it.
var accepts = map[string]func(e *Engine, text string, begin, start, end int) bool{
	"cli_option":   isSensitiveOption,
	"bearer":       isTokenLike,
	"exchange_key": hasDigit,
	"basic":        isBase64Pair,
}

var reaches = map[string]func(s *search, i int) int{"jwt": jwtReach}

func isSensitiveOption(e *Engine, text string, begin, start, _ int) bool {
	return e.Key(strings.TrimSpace(text[begin:start])).Sensitive
}

func isTokenLike(e *Engine, text string, _, start, end int) bool {
	value := strings.TrimRight(text[start:end], ".")
	if word, _, _ := strings.Cut(value, "="); e.Prose.has(fold(word)) {
		return false
	}
	return len(value) >= 8 || runEnd(value, 0, isLetter) < len(value)
}

func hasDigit(_ *Engine, text string, _, start, end int) bool {
	return strings.ContainsAny(text[start:end], "0123456789")
}

func isBase64Pair(_ *Engine, text string, _, start, end int) bool {
	value := text[start:end]
	if strings.HasSuffix(value, "=") {
		return true
	}
	plain, err := base64.RawStdEncoding.DecodeString(strings.NewReplacer("-", "+", "_", "/").Replace(value))
	return err == nil && strings.Contains(string(plain), ":")
}

// jwtReach sees to it that text without a dot is looked through once only, however often `eyJ` is in it.
func jwtReach(s *search, i int) int {
	if i >= s.jwtEnd {
		s.jwtEnd = runEnd(s.text, i, func(c byte) bool { return isWord(c) || c == '-' })
	}
	if s.jwtEnd == len(s.text) || s.text[s.jwtEnd] != '.' {
		return 0
	}
	return s.jwtEnd - i + window
}

// isInnocent says whether a value hides nothing: a placeholder, null, or what an earlier redaction left of it.
func (e *Engine) isInnocent(value string) bool {
	if e.innocent.MatchString(value) {
		return true
	}
	masked := strings.Contains(value, e.Mask) || strings.Contains(value, "...[truncated")
	return masked && e.leftover.MatchString(value)
}
