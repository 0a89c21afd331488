package redaction

import (
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"tradewise.example/otelcol/tradewise_redaction/internal/secrets"
)

const (
	// deepest is how many levels a value is looked into; what lies deeper is masked.
	deepest = 32
	// mostDirtyNames of one map are rewritten, each for a search of the whole map; more are dropped.
	mostDirtyNames = 64
)

// walk is one pass over one batch; it holds what was found by slot.
type walk struct {
	engine *secrets.Engine
	found  [slotCount]secrets.Counts
}

func (w *walk) internalError() { w.found[inResource].Add(secrets.KindInternalError) }

// text masks a field that is a text; `set` is called for dirty ones only.
func (w *walk) text(at slot, text string, set func(string)) {
	if clean, dirty := w.engine.Text(text, w.engine.Key(""), &w.found[at]); dirty {
		set(clean)
	}
}

// attributes masks names and values of a map.
func (w *walk) attributes(at slot, attributes pcommon.Map) { w.mapping(at, attributes, 0) }

func (w *walk) mapping(at slot, values pcommon.Map, depth int) {
	dirty := 0
	values.Range(func(name string, value pcommon.Value) bool {
		key := w.engine.Key(name)
		if key.Dirty() {
			dirty++
		}
		if key.Sensitive {
			w.secret(at, value)
		} else {
			w.value(at, value, key, depth)
		}
		return true
	})
	if dirty > 0 {
		w.rename(at, values)
	}
}

// rename takes the secrets out of names. A map's names cannot be changed, so the values move to new ones.
func (w *walk) rename(at slot, values pcommon.Map) {
	moved := pcommon.NewMap()
	values.RemoveIf(func(name string, value pcommon.Value) bool {
		key := w.engine.Key(name)
		if !key.Dirty() {
			return false
		}
		if moved.Len() >= mostDirtyNames {
			w.found[at].Add(secrets.KindKeys)
			return true
		}
		key.CountName(&w.found[at])
		value.CopyTo(moved.PutEmpty(key.Clean))
		return true
	})
	moved.Range(func(name string, value pcommon.Value) bool {
		value.CopyTo(values.PutEmpty(name))
		return true
	})
}

// secret masks the value under a sensitive name, whatever it is: it becomes a text.
func (w *walk) secret(at slot, value pcommon.Value) {
	switch value.Type() {
	case pcommon.ValueTypeEmpty:
		return
	case pcommon.ValueTypeStr:
		if masked, dirty := w.engine.Secret(value.Str(), &w.found[at]); dirty {
			value.SetStr(masked)
		}
	default:
		w.mask(at, value, secrets.KindKey)
	}
}

func (w *walk) mask(at slot, value pcommon.Value, kind uint8) {
	w.found[at].Add(kind)
	value.SetStr(w.engine.Mask)
}

// value masks what is secret in a value of any type; numbers hold no secret but under a sensitive name.
func (w *walk) value(at slot, value pcommon.Value, key *secrets.Key, depth int) {
	switch value.Type() {
	case pcommon.ValueTypeStr:
		w.str(at, value, key)
	case pcommon.ValueTypeBytes:
		w.bytes(at, value, key)
	case pcommon.ValueTypeMap:
		if depth >= deepest {
			w.mask(at, value, secrets.KindDepth)
			return
		}
		w.mapping(at, value.Map(), depth+1)
	case pcommon.ValueTypeSlice:
		if depth >= deepest {
			w.mask(at, value, secrets.KindDepth)
			return
		}
		w.items(at, value.Slice(), key, depth+1)
	}
}

func (w *walk) str(at slot, value pcommon.Value, key *secrets.Key) {
	text, found := value.Str(), &w.found[at]
	if key.SQL {
		if clean, dirty := w.engine.SQL(text, found); dirty {
			value.SetStr(clean)
		}
	} else if clean, dirty := w.engine.Text(text, key, found); dirty {
		value.SetStr(clean)
	}
}

// bytes are looked through as the text that they may be.
func (w *walk) bytes(at slot, value pcommon.Value, key *secrets.Key) {
	if clean, dirty := w.engine.Text(string(value.Bytes().AsRaw()), key, &w.found[at]); dirty {
		value.Bytes().FromRaw([]byte(clean))
	}
}

// items masks a list. In a command line the word behind `--token` is its value.
func (w *walk) items(at slot, items pcommon.Slice, key *secrets.Key, depth int) {
	named := false
	for i := range items.Len() {
		item := items.At(i)
		option := ""
		if item.Type() == pcommon.ValueTypeStr && strings.HasPrefix(item.Str(), "-") {
			option = item.Str()
		}
		// Judged before it is masked, since it may hold its value itself.
		names := strings.HasPrefix(option, "--") && w.engine.Key(option).Sensitive
		if named && option == "" {
			w.secret(at, item)
		} else {
			w.value(at, item, key, depth)
		}
		named = names
	}
}
