package secrets

import (
	"regexp"
	"slices"
	"strings"
)

// Card numbers: groups of digits that an issuer could have printed, and a reason to think so. There is no keyword to
// look for, but a number of 13 digits covers one of every 13 bytes.
const (
	shortestCard = 13
	longestCard  = 19
	nearBytes    = 40
	escapeBytes  = 6
)

func isSeparator(c byte) bool { return c == ' ' || c == '-' }

// hasDigits says whether a card number may be in the text.
func hasDigits(text string) bool {
	start, _ := nextRun(text, 0)
	return start >= 0
}

// nextRun is the first run of digits and single separators from i on that may hold a card number; start is -1 if
// there is none. What is before i has been seen.
func nextRun(text string, i int) (start, end int) {
	for i += shortestCard - 1; i < len(text); i += shortestCard {
		if !isDigit(text[i]) && !isSeparator(text[i]) {
			continue
		}
		start, end = runAround(text, i)
		if start == end {
			continue
		}
		if mayBeCards(text, start, end) {
			return start, end
		}
		// All of the run has been seen, and nothing of what is behind it.
		i = end - 1
	}
	return -1, len(text)
}

// runAround is the longest run at i of digits with at most one separator between two.
func runAround(text string, i int) (start, end int) {
	if isSeparator(text[i]) && (i == 0 || i+1 == len(text) || !isDigit(text[i-1]) || !isDigit(text[i+1])) {
		return i, i
	}
	for start = i; ; start-- {
		if start > 0 && isDigit(text[start-1]) {
			continue
		}
		if start < 2 || !isSeparator(text[start-1]) || !isDigit(text[start-2]) {
			break
		}
	}
	for end = i + 1; ; end++ {
		if end < len(text) && isDigit(text[end]) {
			continue
		}
		if end+1 >= len(text) || !isSeparator(text[end]) || !isDigit(text[end+1]) {
			return start, end
		}
	}
}

// mayBeCards passes over what is met in every other clean text: dates, and times since 1970, which begin with 1.
func mayBeCards(text string, start, end int) bool {
	if end-start < shortestCard {
		return false
	}
	touches := start > 0 && (isLetter(text[start-1]) || text[start-1] == '%')
	grouped := runEnd(text[:end], start, isDigit) < end
	return touches || grouped || ('2' <= text[start] && text[start] <= '6')
}

// cards looks at all runs of the text.
func (e *Engine) cards(s *search) {
	if s.key.identifier {
		return
	}
	for start, end := nextRun(s.text, 0); start >= 0; start, end = nextRun(s.text, end) {
		if begin := e.afterEscape(s.text, start); begin > start {
			e.cardAt(s, begin, end)
		}
		for i := start; i < end; i = runEnd(s.text[:end], i, isDigit) + 1 {
			e.cardAt(s, i, end)
		}
	}
}

// cardAt tries all numbers of whole groups that begin at i and end by end.
func (e *Engine) cardAt(s *search, i, end int) {
	var number [longestCard]byte
	var sizes [longestCard]int
	digits, groups := 0, 0
	for at := i; at < end; at++ {
		if isSeparator(s.text[at]) {
			continue
		}
		if digits == longestCard {
			return
		}
		number[digits] = s.text[at] - '0'
		digits++
		sizes[groups]++
		if at+1 < end && isDigit(s.text[at+1]) {
			continue
		}
		groups++
		if digits >= shortestCard && e.isCard(s, number[:digits], sizes[:groups], i, at+1) {
			s.add(i, at+1, e.card)
			return
		}
	}
}

func (e *Engine) isCard(s *search, number []byte, sizes []int, start, end int) bool {
	return e.isIssued(number) && isLuhn(number) && !goesOn(s.text, end) &&
		(!comesFrom(s.text, start) || e.afterEscape(s.text, start) == start) &&
		(slices.ContainsFunc(e.CardGroups, func(g []int) bool { return slices.Equal(g, sizes) }) || e.isSaid(s, start))
}

func (e *Engine) isIssued(number []byte) bool {
	prefix := 0
	for _, digit := range number[:6] {
		prefix = prefix*10 + int(digit)
	}
	return slices.ContainsFunc(e.CardRanges, func(r cardRange) bool {
		return r.low <= prefix && prefix <= r.high && slices.Contains(r.lengths, len(number))
	})
}

func isLuhn(number []byte) bool {
	sum := 0
	for i := range number {
		digit := int(number[len(number)-1-i])
		if i%2 == 1 {
			if digit *= 2; digit > 9 {
				digit -= 9
			}
		}
		sum += digit
	}
	return sum%10 == 0
}

// comesFrom says whether the digits at i go on something before: a word, a number, a decimal.
func comesFrom(text string, i int) bool {
	return i > 0 && (isWord(text[i-1]) || (i > 1 && text[i-1] == '.' && isDigit(text[i-2])))
}

func goesOn(text string, i int) bool {
	return i < len(text) && (isWord(text[i]) || (i+1 < len(text) && text[i] == '.' && isDigit(text[i+1])))
}

// afterEscape is where an escape ends that touches the digits at i or reaches into them (`%20`), -1 if none does.
func (e *Engine) afterEscape(text string, i int) int {
	from := max(0, i-escapeBytes)
	if !strings.ContainsAny(text[from:i], `\%`) {
		return -1
	}
	for _, found := range e.escape.FindAllStringIndex(text[from:min(i+escapeBytes, len(text))], -1) {
		if start, end := from+found[0], from+found[1]; start < i && i <= end {
			return end
		}
	}
	return -1
}

var idName = regexp.MustCompile(`(?:(?i:[_.-]ids?)|[a-z]Ids?)[\\"']*\s*[:=]\s*[\\"']*\z`)

// isSaid says whether the key, or the words before, tell that this is a card.
func (e *Engine) isSaid(s *search, start int) bool {
	before := s.text[max(0, start-nearBytes):start]
	if idName.MatchString(before) {
		return false
	}
	return s.key.card || e.CardWords.hasAny(words(e.escape.ReplaceAllString(before, " ")))
}
