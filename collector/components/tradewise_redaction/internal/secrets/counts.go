package secrets

// Counts is how often each kind of secret was found in one place; its zero value is empty.
type Counts struct {
	byKind [maxKinds]uint32
	any    bool
}

// Any says whether something was found.
func (c *Counts) Any() bool { return c.any }

// Each gives every kind that was found, as an index into Engine.Kinds, and empties the counts.
func (c *Counts) Each(report func(kind int, times int64)) {
	for kind, times := range c.byKind {
		if times > 0 {
			report(kind, int64(times))
		}
	}
	*c = Counts{}
}

// Add counts one.
func (c *Counts) Add(kind uint8) {
	c.byKind[kind]++
	c.any = true
}

func (c *Counts) addAll(other *Counts) {
	for kind, times := range other.byKind {
		c.byKind[kind] += times
	}
	c.any = c.any || other.any
}

// What is counted beside the catalogue's rules, with indexes from 0 on; rules follow.
const (
	// KindKey is a value under a sensitive name.
	KindKey uint8 = iota
	// KindDepth is a value nested too deeply to be looked into.
	KindDepth
	// KindKeys is an attribute that was dropped, since too many names of one map held secrets.
	KindKeys
	// KindInternalError is a value that could not be scanned.
	KindInternalError
	ownKinds = iota

	maxKinds = 64
)

var ownKindNames = [ownKinds]string{"key", "depth", "keys", "internal_error"}
