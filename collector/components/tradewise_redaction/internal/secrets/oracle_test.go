package secrets

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// oracle finds what the engine has to find, without anything that makes the engine fast: no keywords, no windows, no
// rule written by hand; every pattern of the catalogue is tried at every byte.
type oracle struct {
	*Engine
	rules  []rule
	urls   []rule
	digits *regexp.Regexp
}

func newOracle(t testing.TB) *oracle {
	o := &oracle{Engine: newEngine(t)}
	for kind, row := range o.Engine.Rules {
		switch r := newRule(uint8(kind+ownKinds), row); {
		case row.ID == "card_number":
			o.digits = regexp.MustCompile(row.Pattern)
		case strings.HasPrefix(row.ID, "url_"):
			o.urls = append(o.urls, r)
		case row.Begins != "named":
			o.rules = append(o.rules, r)
		}
	}
	return o
}

func (o *oracle) find(text string) []span {
	s := &search{}
	s.reset(text, o.noKey)
	for _, r := range append(o.rules, o.urls...) {
		o.everywhere(s, r)
	}
	o.names(s)
	for _, run := range o.digits.FindAllStringIndex(text, -1) {
		if begin := o.afterEscape(text, run[0]); begin > run[0] {
			o.cardAt(s, begin, run[1])
		}
		for i := run[0]; i < run[1]; i = runEnd(text[:run[1]], i, isDigit) + 1 {
			o.cardAt(s, i, run[1])
		}
	}
	s.merge(o.Engine)
	return s.spans
}

func (o *oracle) everywhere(s *search, r rule) {
	for begin := 0; begin < len(s.text); begin++ {
		for way := range ways {
			at := r.startsAt(s.text, begin, way)
			if at < 0 {
				continue
			}
			found := r.pattern.FindStringSubmatchIndex(s.text[at:])
			if found == nil {
				continue
			}
			start, end := at+found[2*r.group], at+found[2*r.group+1]
			if !o.isInnocent(s.text[start:end]) && (r.accept == nil || r.accept(o.Engine, s.text, begin, start, end)) {
				s.add(start, end, r.kind)
				begin = end - 1
				break
			}
		}
	}
}

func (o *oracle) names(s *search) {
	for _, head := range o.named.head.FindAllStringIndex(s.text, -1) {
		start, end := head[0], head[1]
		if end < s.covered {
			continue
		}
		right := runEnd(s.text[:end], start, isName)
		left := runStart(s.text, start, start-leftBytes, isName)
		if name := o.sensitiveName(s.text, left, start, right); name != "" {
			o.values(s, separatorAt(s.text, right), end, name)
		}
	}
}

func (o *oracle) check(t testing.TB, text string) {
	t.Helper()
	s := &search{}
	s.reset(text, o.noKey)
	o.Engine.find(s)
	if want := o.find(text); !slices.Equal(s.spans, want) {
		t.Errorf("%q\n got  %s\n want %s", text, o.shown(text, s.spans), o.shown(text, want))
	}
	if len(s.spans) > 0 && !o.isSuspicious(text) {
		t.Errorf("%q is passed over", text)
	}
}

func (o *oracle) shown(text string, spans []span) string {
	var out strings.Builder
	for _, span := range spans {
		fmt.Fprintf(&out, "%s %q; ", o.Kinds()[span.kind], text[span.start:span.end])
	}
	return out.String()
}

// Pieces of which texts are made that look like secrets, are some, or end too early for one.
var pieces = []string{
	"password", "passwd", "api_key", "apiToken", "secret_id", "token", "session", "key", "Cookie", "authorization",
	"-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----", "--api-key ", "--token", "://", "@", ":", "=", "==",
	":=", "=>", "%3D", "%20", `\n`, `\u0041`, `\"`, `\\\"`, `"`, "'", "`", " ", "\t", "  ", "{", "}", "[", "]", "/", "?", "&",
	";", ",", ".", "-", "_", "(", "bot", "b", "1", "4111111111111111", "4111 1111", "1111-1111", "3782 822463 10005", "card ",
	"order_id=", "eyJhbGciOiJIUzI1NiJ9", ".eyJzdWIi", "AKIAQ3EGRIXV7EXAMPLE", "SK0123456789abcdef0123456789abcdef",
	"abC8Q~x1Y2z3A4b5C6d7E8f9G0h1I2j3K4l5M6", "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw4", "Bearer ", "Basic ", "bearer+",
	"Ym9iOmh1bnRlcjI", "?sig=", "&X-Amz-Signature=", "c8db56825ae71d6d79447849e617115f", "identified by ", "aws ", "twilio ",
	"binance key ", "[parameters: ", "***REDACTED***", "null", "...[truncated]", "settings.api_key", "é", "K", "\xff", "x", "ü@",
}

// The engine finds what the patterns find that are tried everywhere, in random texts that are made of all that counts.
func TestAgainstTheOracle(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random, o := rand.New(rand.NewPCG(seed, 0)), newOracle(t)
	all := pieces
	for _, vector := range readVectors(t).Texts {
		all = append(all, vector.Input)
	}
	for range 5_000 {
		var text strings.Builder
		for range 1 + random.IntN(12) {
			from := pieces
			if random.IntN(12) == 0 {
				from = all
			}
			text.WriteString(from[random.IntN(len(from))])
		}
		o.check(t, text.String())
		if t.Failed() {
			return
		}
	}
}

// Every rule's examples are found at every distance from the text's beginning, so at every step of the filter.
func TestAtEveryOffset(t *testing.T) {
	o := newOracle(t)
	for _, vector := range readVectors(t).Texts {
		for offset := range 40 {
			o.check(t, strings.Repeat(".", offset)+" "+vector.Input)
		}
	}
}

func FuzzAgainstTheOracle(f *testing.F) {
	o := newOracle(f)
	for _, vector := range readVectors(f).Texts {
		f.Add(vector.Input)
	}
	for _, piece := range pieces {
		f.Add(piece + piece)
	}
	f.Fuzz(func(t *testing.T, text string) { o.check(t, text) })
}
