package secrets

import (
	"regexp"
	"strings"
)

// rule is one of the catalogue's that is tried by its pattern.
type rule struct {
	kind    uint8
	begins  string
	lead    int
	before  int
	group   int
	prefix  string
	pattern *regexp.Regexp
	// How much of the text from i on the pattern has to see, 0 for nothing to find; nil: `window`.
	reach func(s *search, i int) int
	// Whether what was matched is a secret; nil: always.
	accept func(e *Engine, text string, begin, start, end int) bool
}

func newRule(kind uint8, row catalogueRule) rule {
	pattern := anchored(row.Pattern)
	prefix, _ := regexp.MustCompile(row.Pattern).LiteralPrefix()
	before := 0
	if row.Begins != "" {
		before = longestEscape
	}
	return rule{
		before: before, kind: kind, begins: row.Begins, lead: row.Lead, group: min(pattern.NumSubexp(), 1),
		prefix: prefix, pattern: pattern, accept: accepts[row.ID], reach: reaches[row.ID],
	}
}

// tryRule looks for a match that has its keyword at i, from the left.
func (e *Engine) tryRule(s *search, r *rule, i int) {
	for begin := max(i-r.lead-r.before, s.from[r.kind]); begin <= i; begin++ {
		if r.lead > 0 && r.prefix != "" {
			// The pattern's own literal, which is cheaper to look for.
			skip := strings.Index(s.text[begin:min(i+len(r.prefix), len(s.text))], r.prefix)
			if skip < 0 {
				return
			}
			begin += skip
		}
		for way := range ways {
			at := r.startsAt(s.text, begin, way)
			if at >= 0 && at <= i && e.tryAt(s, r, begin, at) {
				return
			}
		}
	}
}

// tryAt tries the pattern at one place.
func (e *Engine) tryAt(s *search, r *rule, begin, at int) bool {
	size := window
	if r.reach != nil {
		size = r.reach(s, at)
	}
	if size == 0 {
		return false
	}
	start, end, ok := s.match(r.pattern, at, r.group, size, r.kind)
	if !ok {
		return false
	}
	if s.seen[r.kind]++; s.seen[r.kind] > e.MatchesLimit {
		s.giveUp(begin, r.kind)
		return true
	}
	// Looking at what was matched costs as much again.
	s.work -= lookAgain * (end - start)
	if e.isInnocent(s.text[start:end]) || (r.accept != nil && !r.accept(e, s.text, begin, start, end)) {
		return false
	}
	s.add(start, end, r.kind)
	s.from[r.kind] = end
	return true
}

const (
	ways          = 4
	longestEscape = 6
)

// startsAt is where the pattern starts if the match begins at i, by one of the ways in which a secret without a name
// may begin: at a word's edge, behind `_`, behind an escape, which ends in what looks like its first letter, and for
// some behind `bot`. It is -1 if there is none.
func (r *rule) startsAt(text string, i, way int) int {
	switch {
	case way == 0 && (r.begins == "" || isEdge(text, i)):
		return i
	case way == 0 || r.begins == "":
		return -1
	case way == 1 && text[i] == '_':
		return i + 1
	case way == 2:
		if escape := escapeAt(text, i); escape > 0 {
			return i + escape
		}
	case way == 3 && r.begins == "start_bot" && strings.HasPrefix(text[i:], "bot"):
		return i + len("bot")
	}
	return -1
}
