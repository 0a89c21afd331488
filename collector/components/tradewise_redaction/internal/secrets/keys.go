package secrets

import (
	"slices"
	"strings"
	"sync/atomic"
)

// Key is what there is to know about a name under which values stand.
type Key struct {
	// Name is the name itself.
	Name string
	// Sensitive: the value is masked, whatever it is.
	Sensitive bool
	// SQL: the value is a statement.
	SQL bool
	// Clean is the name without the secrets that it holds; nearly always Name.
	Clean string

	identifier bool
	card       bool
	found      Counts
}

// Dirty says whether the name itself holds a secret, which stand in Clean no more.
func (k *Key) Dirty() bool { return k.found.any }

// CountName adds the secrets in the name itself.
func (k *Key) CountName(found *Counts) { found.addAll(&k.found) }

const (
	keySets  = 512
	keyWays  = 4
	keyBytes = 128
)

// keyTable remembers what was judged: a few places for each hash, so that it is bounded and needs no lock.
type keyTable [keySets][keyWays]atomic.Pointer[Key]

// Key judges a name. Nothing is allocated for one that was judged lately.
func (e *Engine) Key(name string) *Key {
	if name == "" {
		return e.noKey
	}
	if len(name) > keyBytes {
		return e.judge(name)
	}
	hash := keyHash(name)
	set := &e.keys[hash%keySets]
	free := int(hash>>32) % keyWays
	for way := range set {
		known := set[way].Load()
		if known == nil {
			free = way
			break
		}
		if known.Name == name {
			return known
		}
	}
	// Judged on a copy: the name is part of a batch that will be gone.
	judged := e.judge(strings.Clone(name))
	set[free].Store(judged)
	return judged
}

// keyHash mixes the ends of a name, where names differ; those that are alike there share a set.
func keyHash(name string) uint64 {
	n := len(name)
	var head, tail uint64
	if n >= 8 {
		head, tail = word(name[:8]), word(name[n-8:])
	} else {
		for i := range n {
			head = head<<8 | uint64(name[i])
		}
	}
	hash := (head^uint64(n))*0x9e3779b97f4a7c15 ^ tail*0xc2b2ae3d27d4eb4f
	return hash ^ hash>>29
}

func word(s string) uint64 {
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

func (e *Engine) judge(name string) *Key {
	key := &Key{Name: name, SQL: slices.Contains(e.SQLKeys, name)}
	split := words(name)
	key.Sensitive = e.sensitive(split)
	if len(split) > 0 {
		last := split[len(split)-1]
		key.identifier = last == "id" || last == "ids"
		key.card = e.CardWords.hasAny(split)
	}
	key.Clean, _ = e.Text(name, e.noKey, &key.found)
	return key
}

// sensitive judges the words of a name, as tradewise_otel/redact/keys.py does.
func (e *Engine) sensitive(split []string) bool {
	if len(split) == 0 || e.Measures.has(split[len(split)-1]) || e.PlainFirst.has(split[0]) {
		return false
	}
	last := split[len(split)-1]
	if len(split) > 1 && split[len(split)-2] == "secret" && last == "id" {
		return true
	}
	for i := 1; i < len(split); i++ {
		if e.Pairs.has(split[i-1] + " " + split[i]) {
			return !e.Labels.has(last)
		}
	}
	return e.sensitiveWord(split, last)
}

func (e *Engine) sensitiveWord(split []string, last string) bool {
	if last == "key" && len(split) > 1 && e.PlainKeys.has(split[len(split)-2]) {
		// `cache_key` is an identifier, `secret_cache_key` is not.
		return e.Words.hasAny(split)
	}
	if e.LastWords.has(last) {
		return true
	}
	labelled := e.Labels.has(last)
	return slices.ContainsFunc(split, func(word string) bool {
		return e.Words.has(word) && !(labelled && (word == "token" || e.LastWords.has(word)))
	})
}

// words splits a name on everything but ASCII letters and digits, and on camelCase; in lower case. A trailing number
// or version (`token2`, `key_v1`) is no word.
func words(name string) []string {
	var found []string
	for i := 0; i < len(name); {
		end := wordEnd(name, i)
		if end > i {
			found = append(found, fold(name[i:end]))
		}
		i = max(end, i+1)
	}
	for len(found) > 1 && (found[len(found)-1] == "v" || isDigit(found[len(found)-1][0])) {
		found = found[:len(found)-1]
	}
	return found
}

// wordEnd is where the word that begins at i ends: capitals (`APIKey` is api and key), letters, or digits.
func wordEnd(name string, i int) int {
	if isDigit(name[i]) {
		return runEnd(name, i, isDigit)
	}
	capitals := runEnd(name, i, isUpper)
	if capitals < len(name) && isLower(name[capitals]) {
		if capitals-i > 1 {
			return capitals - 1
		}
		return runEnd(name, capitals, isLower)
	}
	return capitals
}
