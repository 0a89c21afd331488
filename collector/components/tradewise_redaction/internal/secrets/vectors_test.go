package secrets

import (
	"encoding/json"
	"maps"
	"os"
	"testing"
)

// vectors are what Python's implementation gives; it writes them (tests/unit/redact/make_vectors.py).
type vectors struct {
	Texts, JSON, SQL []textVector
	Keys             []struct {
		Key       string
		Sensitive bool
	}
	Fields []struct{ Key, Value, Expected string }
}

type textVector struct {
	Input, Expected string
	Counts          map[string]int
}

func readVectors(t testing.TB) vectors {
	t.Helper()
	raw, err := os.ReadFile("../../../../../tests/vectors/redaction.json")
	if err != nil {
		t.Fatal(err)
	}
	var read vectors
	if err := json.Unmarshal(raw, &read); err != nil {
		t.Fatal(err)
	}
	return read
}

func newEngine(t testing.TB) *Engine {
	t.Helper()
	engine, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

func named(e *Engine, found *Counts) map[string]int {
	counts := map[string]int{}
	found.Each(func(kind int, times int64) { counts[e.Kinds()[kind]] = int(times) })
	return counts
}

// Each text comes out as its vector says, with the same counts by rule, and a second time nothing changes.
func TestTextsOfTheVectors(t *testing.T) {
	e := newEngine(t)
	read := readVectors(t)
	for _, vector := range append(read.Texts, read.JSON...) {
		var found Counts
		out, dirty := e.Text(vector.Input, e.Key(""), &found)
		if counts := named(e, &found); out != vector.Expected || !maps.Equal(counts, vector.Counts) {
			t.Errorf("%q\n got  %q %v\n want %q %v", vector.Input, out, counts, vector.Expected, vector.Counts)
		}
		if dirty != (vector.Input != vector.Expected) {
			t.Errorf("%q: dirty is %v", vector.Input, dirty)
		}
		if again, dirty := e.Text(out, e.Key(""), &found); dirty {
			t.Errorf("%q is masked again: %q", out, again)
		}
	}
}

// What is clean in JSON text keeps its form, where Python writes it anew: names spelt with escapes, numbers, blanks.
func TestJSONKeepsItsForm(t *testing.T) {
	e := newEngine(t)
	for in, want := range map[string]string{
		`[ {"p\u0061ssword" : "a\"b", "n": 1.50} ]`: `[ {"p\u0061ssword" : "***REDACTED***", "n": 1.50} ]`,
		"{\n \"token\": {\"a\": [1, 2]}\n}":         "{\n \"token\": \"***REDACTED***\"\n}",
		`{"a": "b & password=hunter2", "c": 12e0}`:  `{"a": "b & password=***REDACTED***", "c": 12e0}`,
	} {
		var found Counts
		if out, _ := e.Text(in, e.noKey, &found); out != want {
			t.Errorf("%s\n got  %s\n want %s", in, out, want)
		}
	}
}

// Each statement comes out as its vector says: what goes on is SQL again.
func TestStatementsOfTheVectors(t *testing.T) {
	e := newEngine(t)
	for _, vector := range readVectors(t).SQL {
		var found Counts
		out, dirty := e.SQL(vector.Input, &found)
		if counts := named(e, &found); out != vector.Expected || !maps.Equal(counts, vector.Counts) {
			t.Errorf("%q\n got  %q %v\n want %q %v", vector.Input, out, counts, vector.Expected, vector.Counts)
		}
		if dirty != (vector.Input != vector.Expected) {
			t.Errorf("%q: dirty is %v", vector.Input, dirty)
		}
	}
}

// Each key is judged as its vector says.
func TestKeysOfTheVectors(t *testing.T) {
	e := newEngine(t)
	for _, vector := range readVectors(t).Keys {
		if e.Key(vector.Key).Sensitive != vector.Sensitive {
			t.Errorf("%q: sensitive is not %v", vector.Key, vector.Sensitive)
		}
	}
}

// Each field comes out as its vector says: the name alone can make a value secret, and a number a card or none.
func TestFieldsOfTheVectors(t *testing.T) {
	e := newEngine(t)
	for _, vector := range readVectors(t).Fields {
		var found Counts
		key := e.Key(vector.Key)
		out, _ := e.Text(vector.Value, key, &found)
		if key.Sensitive {
			out, _ = e.Secret(vector.Value, &found)
		}
		if out != vector.Expected {
			t.Errorf("%s=%q gives %q", vector.Key, vector.Value, out)
		}
	}
}
