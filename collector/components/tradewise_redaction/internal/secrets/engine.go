// Package secrets finds and masks secrets in texts: the catalogue's rules, with the results of the Python package
// tradewise_otel/redact (tests/vectors/redaction.json holds both to it), at the speed that a gateway needs.
//
// Each text is passed over once by a filter of keywords (prefilter.go) and once for digits (cards.go). Most texts have
// neither, and nothing is allocated for them. From a keyword on the rules that it belongs to are tried: a rule's own
// pattern right there, or what is written by hand because it is met in clean texts too (named.go, urls.go).
package secrets

import (
	"regexp"
	"strings"
	"sync"
)

// Engine holds the rules; it never changes, apart from what it remembers, and is safe to share.
type Engine struct {
	catalogue
	kinds    []string
	filter   *prefilter
	rules    []rule
	named    namedRules
	innocent *regexp.Regexp
	leftover *regexp.Regexp
	escape   *regexp.Regexp
	urls     urlRules
	card     uint8
	noKey    *Key
	keys     keyTable
	searches sync.Pool
}

// New makes an engine of the rules that this program was built with.
func New() (*Engine, error) {
	c, err := load()
	if err != nil {
		return nil, err
	}
	e := &Engine{
		catalogue: c,
		kinds:     ownKindNames[:],
		innocent:  whole(c.Innocent),
		leftover:  whole(`(?:` + regexp.QuoteMeta(c.Mask) + `|[.]{3}\[truncated\]?|[^A-Za-z0-9*])*`),
		escape:    regexp.MustCompile(c.Escape),
		noKey:     &Key{},
	}
	e.searches.New = func() any { return &search{} }
	e.compile()
	return e, nil
}

// Kinds names what Counts counts.
func (e *Engine) Kinds() []string { return e.kinds }

// Text gives the text with every secret in it masked, and whether there was one. A text that cannot be scanned is
// masked whole.
func (e *Engine) Text(text string, key *Key, found *Counts) (string, bool) {
	if !e.isSuspicious(text) {
		return text, false
	}
	return e.masked(text, key, found, false)
}

// isSuspicious says whether it is worth a search: a URL that says nothing of a user has no secret by that.
func (e *Engine) isSuspicious(text string) bool {
	if hasDigits(text) {
		return true
	}
	rules, from := e.filter.rules(text, e.urls.mask)
	return rules & ^e.urls.mask != 0 || (rules != 0 && strings.IndexByte(text[from:], '@') >= 0)
}

// SQL is Text for statements: literals become placeholders first, and a mask is a literal.
func (e *Engine) SQL(text string, found *Counts) (string, bool) {
	replaced := placeholders(text, e.Mask)
	masked, any := e.masked(replaced, e.noKey, found, true)
	return masked, any || replaced != text
}

// Secret gives the mask for the value under a sensitive name; nothing is hidden in an empty one, and a mask is not
// counted twice.
func (e *Engine) Secret(text string, found *Counts) (string, bool) {
	if text == "" || text == e.Mask {
		return text, false
	}
	found.Add(KindKey)
	return e.Mask, true
}

// masked is apart from Text so that only what looks suspicious pays for what it needs.
func (e *Engine) masked(text string, key *Key, found *Counts, sql bool) (clean string, any bool) {
	defer func() {
		if recover() != nil {
			found.Add(KindInternalError)
			clean, any = e.Mask, true
		}
	}()
	clean = text
	if !sql && isJSON(text) {
		clean, any = e.json(text, key, found)
	}
	s := e.searches.Get().(*search)
	defer e.release(s)
	s.reset(clean, key)
	if e.find(s); len(s.spans) == 0 {
		return clean, any
	}
	return e.replaced(s, found, sql), true
}

// release gives a search back without its text, which would be kept alive with it.
func (e *Engine) release(s *search) {
	s.text, s.key = "", nil
	e.searches.Put(s)
}

// replaced puts masks for what was found.
func (e *Engine) replaced(s *search, found *Counts, sql bool) string {
	var out strings.Builder
	out.Grow(len(s.text))
	done := 0
	for _, span := range s.spans {
		out.WriteString(s.text[done:span.start])
		if bare := span.start == 0 || !isQuote(s.text[span.start-1]); sql && bare {
			out.WriteString("'" + e.Mask + "'")
		} else {
			out.WriteString(e.Mask)
		}
		done = span.end
		found.Add(span.kind)
	}
	out.WriteString(s.text[done:])
	return out.String()
}
