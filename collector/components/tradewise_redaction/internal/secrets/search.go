package secrets

import (
	"cmp"
	"regexp"
	"slices"
)

// span is a secret in a text: its first byte, the byte after its last, and the kind of the rule that found it.
type span struct {
	start, end int
	kind       uint8
}

// search is one pass over one text.
type search struct {
	text  string
	key   *Key
	spans []span
	// Where each rule goes on, how often it has matched, and how far the pattern of all may still look.
	from [maxKinds]int
	seen [maxKinds]int
	work int
	// Where the next name may begin, and how far values beside names reach that were found already.
	nameFrom, covered int
	names             int
	// Where the run of letters ends in which a JWT was looked for.
	jwtEnd int
}

const (
	window      = 256
	slack       = 128
	workPerByte = 32
	leastWork   = 128 << 10
	lookAgain   = 4
)

func (s *search) reset(text string, key *Key) {
	*s = search{text: text, key: key, spans: s.spans[:0], work: workPerByte*len(text) + leastWork}
}

func (s *search) add(start, end int, kind uint8) {
	s.spans = append(s.spans, span{start, end, kind})
}

// compile turns the catalogue's rules into what a keyword leads to.
func (e *Engine) compile() {
	keywords := map[string]uint64{}
	for _, row := range e.Rules {
		kind := uint8(len(e.kinds))
		e.kinds = append(e.kinds, row.ID)
		switch {
		case row.Begins == "named":
			e.named.add(kind, row)
		case e.byHand(row.ID, kind):
		default:
			e.rules = append(e.rules, newRule(kind, row))
		}
		for _, word := range row.Keywords {
			keywords[word] |= 1 << kind
		}
	}
	e.named.compile(e.NamedHead)
	// JSON that spells the letters of a name as escapes has no keyword; its tree is looked through.
	keywords[`\u00`] |= 1 << KindKey
	e.filter = newPrefilter(keywords)
}

// find fills s.spans: every rule looks at the text as it came, and what they find is merged afterwards. Skipping what
// another rule has found would leak the tail of `token: Bearer …`.
func (e *Engine) find(s *search) {
	for i := e.filter.next(s.text, 0); i >= 0; i = e.filter.next(s.text, i+1) {
		keywords := e.filter.at(s.text, i)
		for k := range keywords {
			if start := keywords[k].stands(s.text, i); start >= 0 {
				e.try(s, keywords[k].rules, start)
			}
		}
	}
	e.cards(s)
	s.merge(e)
}

// try runs the rules of a keyword that stands at i.
func (e *Engine) try(s *search, rules uint64, i int) {
	if rules&e.named.mask != 0 {
		e.tryNamed(s, i)
	}
	if rules&e.urls.mask != 0 {
		e.tryURL(s, i)
	}
	for r := range e.rules {
		if rule := &e.rules[r]; rules&(1<<rule.kind) != 0 {
			e.tryRule(s, rule, i)
		}
	}
}

// match applies an anchored pattern to the text from i on, and gives the group's place. It looks at a small window
// first, which is most of a pattern's cost, and at a larger one where the match may go on behind it. A text that needs
// too much of that is hostile: what is left of it counts as found.
func (s *search) match(pattern *regexp.Regexp, i, group, size int, kind uint8) (start, end int, ok bool) {
	for ; ; size *= 4 {
		until := min(i+size, len(s.text))
		if s.work < 0 {
			s.giveUp(i, kind)
			return 0, 0, false
		}
		found := pattern.FindStringSubmatchIndex(s.text[i:until])
		if found == nil {
			s.work -= until - i
			return 0, 0, false
		}
		s.work -= found[1]
		if until == len(s.text) || i+found[1]+slack <= until {
			return i + found[2*group], i + found[2*group+1], found[2*group] >= 0
		}
	}
}

// giveUp masks the text from i on: it bounds the time, and nothing gets through.
func (s *search) giveUp(i int, kind uint8) {
	s.add(i, len(s.text), kind)
	for k := range s.from {
		s.from[k] = len(s.text) + 1
	}
	s.covered, s.nameFrom = len(s.text)+1, len(s.text)+1
}

// isNamed is 1 for what was found by the name beside it.
func (e *Engine) isNamed(s span) int { return int(e.named.mask >> s.kind & 1) }

// order is that of Python's search: cards before the catalogue's other rules.
func (e *Engine) order(s span) int {
	if s.kind == e.card {
		return 0
	}
	return int(s.kind)
}

// merge sorts the spans and joins those that touch; where two begin together, the rule that knows the kind gives its
// name to both, not the name beside it.
func (s *search) merge(e *Engine) {
	slices.SortFunc(s.spans, func(a, b span) int {
		return cmp.Or(a.start-b.start, e.isNamed(a)-e.isNamed(b), b.end-a.end, e.order(a)-e.order(b))
	})
	merged := s.spans[:0]
	for _, next := range s.spans {
		if last := len(merged) - 1; last >= 0 && next.start <= merged[last].end {
			merged[last].end = max(merged[last].end, next.end)
		} else {
			merged = append(merged, next)
		}
	}
	s.spans = merged
}
