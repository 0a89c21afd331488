package secrets

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// What the catalogue says, as tradewise_otel/catalogue/sensitive.py declares it and documents it. It is part of the
// program, so a Collector cannot run with rules other than those of its release.
//
//go:embed rules.generated.json
var generated []byte

type catalogue struct {
	Mask         string          `json:"mask"`
	Innocent     string          `json:"innocent"`
	Escape       string          `json:"escape"`
	NamedHead    string          `json:"named_head"`
	MatchesLimit int             `json:"matches_limit"`
	SQLKeys      []string        `json:"sql_keys"`
	Words        set             `json:"words"`
	LastWords    set             `json:"last_words"`
	Pairs        set             `json:"pairs"`
	Measures     set             `json:"measures"`
	Labels       set             `json:"labels"`
	PlainFirst   set             `json:"plain_first"`
	PlainKeys    set             `json:"plain_keys"`
	Prose        set             `json:"prose"`
	CardWords    set             `json:"card_words"`
	CardRanges   []cardRange     `json:"card_ranges"`
	CardGroups   [][]int         `json:"card_groups"`
	Rules        []catalogueRule `json:"rules"`
}

// catalogueRule is a kind of secret. Pattern lacks what Begins names, which is looked for by hand; Lead is how many
// bytes before its keyword a match may begin.
type catalogueRule struct {
	ID       string   `json:"id"`
	Keywords []string `json:"keywords"`
	Begins   string   `json:"begins"`
	Lead     int      `json:"lead"`
	Pattern  string   `json:"pattern"`
}

// cardRange is an issuer: first and last prefix of six digits, and the lengths of its numbers.
type cardRange struct {
	low, high int
	lengths   []int
}

// UnmarshalJSON reads `[low, high, [lengths]]`.
func (r *cardRange) UnmarshalJSON(data []byte) error {
	return json.Unmarshal(data, &[]any{&r.low, &r.high, &r.lengths})
}

// set is a list in the file and a look-up here.
type set map[string]struct{}

// UnmarshalJSON reads a list of words.
func (s *set) UnmarshalJSON(data []byte) error {
	var words []string
	if err := json.Unmarshal(data, &words); err != nil {
		return err
	}
	*s = make(set, len(words))
	for _, word := range words {
		(*s)[word] = struct{}{}
	}
	return nil
}

func (s set) has(word string) bool {
	_, ok := s[word]
	return ok
}

func (s set) hasAny(words []string) bool {
	for _, word := range words {
		if s.has(word) {
			return true
		}
	}
	return false
}

func load() (catalogue, error) {
	var c catalogue
	if err := json.Unmarshal(generated, &c); err != nil {
		return c, fmt.Errorf("rules.generated.json: %w", err)
	}
	if len(c.Rules)+ownKinds > maxKinds {
		return c, fmt.Errorf("rules.generated.json: %d rules, there is room for %d", len(c.Rules), maxKinds-ownKinds)
	}
	return c, nil
}

// anchored compiles a pattern that has to match where the text begins.
func anchored(pattern string) *regexp.Regexp {
	return regexp.MustCompile(`\A(?:` + pattern + `)`)
}

// whole compiles a pattern that has to match all of a text.
func whole(pattern string) *regexp.Regexp {
	return regexp.MustCompile(`\A(?:` + pattern + `)\z`)
}

// fold is ASCII's lower case: that of Unicode can change a text's length, and with it every offset.
func fold(text string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, text)
}
