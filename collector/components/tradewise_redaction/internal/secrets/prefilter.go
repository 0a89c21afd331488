package secrets

import "strings"

// keyword is a literal of which a rule's text must have one, in lower case.
type keyword struct {
	text string
	// Where in it the trigram stands by which it is found.
	offset int
	rules  uint64
}

// prefilter finds keywords: the low five bits of three neighbouring bytes, which fold case for free, are an index
// into a table of bits. Ordinary text sets off few of them, so most of it is passed over at a byte a nanosecond.
type prefilter struct {
	bits    [1 << 15 / 64]uint64
	bucket  [1 << 15]uint8
	buckets [][]keyword
}

// ordinary is a sample of what telemetry is made of; keywords are found by the trigram that is rarest in it.
const ordinary = `GET /api/v1/bots/42/status HTTP/1.1 200 application/json; charset=utf-8 service.name telemetry.sdk.language
select id, name, status, created_at, updated_at from bots where id = ? order by created_at desc limit 100
http.request.method http.response.status_code url.path user_agent.original Mozilla/5.0 (X11; Linux x86_64) Chrome/126.0
trade executed for user 123 on exchange with price and quantity; position closed, order filled, request finished in 12 ms
Traceback (most recent call last): File "/app/routers/trading.py", line 87, in execute_trade await session.commit() raise
ValueError: insufficient balance {"session_id": "a1b2", "request_id": "c3d4", "level": "INFO", "message": "started"}
deployment.environment.name production kubernetes pod container host process runtime version event_type database_operation`

const farthestTrigram = 4

func newPrefilter(keywords map[string]uint64) *prefilter {
	common := map[uint16]int{}
	for i := 0; i+3 <= len(ordinary); i++ {
		common[trigram(ordinary, i)]++
	}
	f := &prefilter{buckets: make([][]keyword, 1)}
	for text, rules := range keywords {
		best := 0
		// No farther, so that hits come in the order of the text.
		for i := 1; i+3 <= len(text) && i <= farthestTrigram; i++ {
			if common[trigram(text, i)] < common[trigram(text, best)] {
				best = i
			}
		}
		f.add(keyword{text: text, offset: best, rules: rules})
	}
	return f
}

func (f *prefilter) add(k keyword) {
	at := trigram(k.text, k.offset)
	f.bits[at/64] |= 1 << (at % 64)
	if f.bucket[at] == 0 {
		f.bucket[at] = uint8(len(f.buckets))
		f.buckets = append(f.buckets, nil)
	}
	f.buckets[f.bucket[at]] = append(f.buckets[f.bucket[at]], k)
}

func trigram(text string, i int) uint16 {
	return uint16(text[i]&31)<<10 | uint16(text[i+1]&31)<<5 | uint16(text[i+2]&31)
}

// next is the first place from i on where a keyword's trigram may stand, or -1.
func (f *prefilter) next(text string, i int) int {
	if i+3 > len(text) {
		return -1
	}
	at := uint16(text[i]&31)<<5 | uint16(text[i+1]&31)
	for i += 2; i < len(text); i++ {
		at = (at<<5 | uint16(text[i]&31)) & (1<<15 - 1)
		if f.bits[at/64]&(1<<(at%64)) != 0 {
			return i - 2
		}
	}
	return -1
}

// at are the keywords whose trigram may stand at i.
func (f *prefilter) at(text string, i int) []keyword {
	return f.buckets[f.bucket[trigram(text, i)]]
}

// rules are those whose keywords the text has, and where the first of them stands; others than `minor` end the search.
func (f *prefilter) rules(text string, minor uint64) (rules uint64, first int) {
	for i := f.next(text, 0); i >= 0; i = f.next(text, i+1) {
		keywords := f.at(text, i)
		for k := range keywords {
			if start := keywords[k].stands(text, i); start >= 0 {
				if rules == 0 {
					first = start
				}
				if rules |= keywords[k].rules; rules & ^minor != 0 {
					return rules, first
				}
			}
		}
	}
	return rules, first
}

// stands is where the keyword begins if its trigram is at i, or -1.
func (k *keyword) stands(text string, i int) int {
	start := i - k.offset
	if start < 0 || start+len(k.text) > len(text) || !strings.EqualFold(text[start:start+len(k.text)], k.text) {
		return -1
	}
	return start
}
