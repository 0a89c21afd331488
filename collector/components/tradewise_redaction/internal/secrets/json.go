package secrets

import (
	"encoding/json"
	"strings"
)

// JSON text is looked through as what it means: the rules for text see neither a name spelt with escapes nor how far a
// nested value reaches. What is clean in it keeps its bytes; the rules for text then see the whole once more.

// jsonDepth is far deeper than what people write; deeper text is masked whole.
const jsonDepth = 128

type edit struct {
	start, end int
	put        string
}

// jsonText is one walk over one text.
type jsonText struct {
	engine *Engine
	text   string
	edits  []edit
	found  Counts
}

func isJSON(text string) bool {
	i := runEnd(text, 0, isSpace)
	return i < len(text) && (text[i] == '{' || text[i] == '[')
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// json masks what is secret in the tree; text that is no JSON stays as it is.
func (e *Engine) json(text string, key *Key, found *Counts) (string, bool) {
	j := jsonText{engine: e, text: text}
	end := j.value(0, key, 0)
	if end == tooDeep {
		found.Add(KindDepth)
		return e.Mask, true
	}
	if end < 0 || runEnd(text, end, isSpace) < len(text) || len(j.edits) == 0 {
		return text, false
	}
	found.addAll(&j.found)
	var out strings.Builder
	done := 0
	for _, edit := range j.edits {
		out.WriteString(text[done:edit.start])
		out.WriteString(edit.put)
		done = edit.end
	}
	out.WriteString(text[done:])
	return out.String(), true
}

const (
	noJSON  = -1
	tooDeep = -2
)

// value walks over the value at i and gives where it ends.
func (j *jsonText) value(i int, key *Key, depth int) int {
	i = runEnd(j.text, i, isSpace)
	switch {
	case depth > jsonDepth:
		return tooDeep
	case i >= len(j.text):
		return noJSON
	case j.text[i] == '{':
		return j.object(i, depth)
	case j.text[i] == '[':
		return j.array(i, key, depth)
	case j.text[i] == '"':
		return j.string(i, key)
	default:
		return j.scalar(i)
	}
}

func (j *jsonText) object(i, depth int) int {
	return j.items(i, '}', func(i int) int {
		name, end := j.token(i)
		if end < 0 {
			return end
		}
		colon := runEnd(j.text, end, isSpace)
		if colon >= len(j.text) || j.text[colon] != ':' {
			return noJSON
		}
		key := j.engine.Key(name)
		if key.Sensitive {
			return j.secret(colon+1, depth)
		}
		return j.value(colon+1, key, depth+1)
	})
}

func (j *jsonText) array(i int, key *Key, depth int) int {
	return j.items(i, ']', func(i int) int { return j.value(i, key, depth+1) })
}

// items walks over what stands between brackets, item by item.
func (j *jsonText) items(i int, closing byte, item func(i int) int) int {
	i = runEnd(j.text, i+1, isSpace)
	if i < len(j.text) && j.text[i] == closing {
		return i + 1
	}
	for {
		if i = item(runEnd(j.text, i, isSpace)); i < 0 {
			return i
		}
		i = runEnd(j.text, i, isSpace)
		if i < len(j.text) && j.text[i] == closing {
			return i + 1
		}
		if i >= len(j.text) || j.text[i] != ',' {
			return noJSON
		}
		i++
	}
}

// secret walks over the value of a sensitive name without a look into it, and masks it.
func (j *jsonText) secret(i, depth int) int {
	start := runEnd(j.text, i, isSpace)
	blind := jsonText{engine: j.engine, text: j.text}
	end := blind.value(start, j.engine.noKey, depth+1)
	if end < 0 {
		return end
	}
	switch j.text[start:end] {
	case "null", `""`, `"` + j.engine.Mask + `"`:
		return end
	}
	j.found.Add(KindKey)
	j.edits = append(j.edits, edit{start, end, `"` + j.engine.Mask + `"`})
	return end
}

func (j *jsonText) string(i int, key *Key) int {
	text, end := j.token(i)
	if end < 0 {
		return end
	}
	if clean, dirty := j.engine.Text(text, key, &j.found); dirty {
		j.edits = append(j.edits, edit{i, end, quoted(clean)})
	}
	return end
}

func quoted(text string) string {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	// `&` in a URL stays what it is.
	encoder.SetEscapeHTML(false)
	// A text can always be encoded.
	_ = encoder.Encode(text)
	return strings.TrimSuffix(out.String(), "\n")
}

// token reads the string at i; without escapes it is a part of the text and not a copy.
func (j *jsonText) token(i int) (text string, end int) {
	if i >= len(j.text) || j.text[i] != '"' {
		return "", noJSON
	}
	escaped := false
	for end = i + 1; end < len(j.text) && j.text[end] != '"'; end++ {
		if j.text[end] == '\\' {
			escaped = true
			end++
		}
	}
	if end >= len(j.text) {
		return "", noJSON
	}
	text = j.text[i+1 : end]
	if escaped && json.Unmarshal([]byte(j.text[i:end+1]), &text) != nil {
		return "", noJSON
	}
	return text, end + 1
}

// scalar walks over a number or a word.
func (j *jsonText) scalar(i int) int {
	end := runEnd(j.text, i, func(c byte) bool { return isWord(c) || c == '-' || c == '+' || c == '.' })
	if !json.Valid([]byte(j.text[i:end])) {
		return noJSON
	}
	return end
}
