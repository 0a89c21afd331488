package secrets

import (
	"regexp"
	"strings"
)

// SQL literals become placeholders, whatever dialect, and in doubt more than the literal does; as
// tradewise_otel/redact/sql.py does it, token by token.
var (
	sqlToken = regexp.MustCompile(`(?s)(--[^\n]*|/\*.*?(?:\*/|\z))|("[^"]*"?|` + "`[^`]*`?" + `)` +
		`|((?:\b[nNeExXbBuU]&?)?'(?:[^']|'')*'?)|(\$[A-Za-z_]*\$)`)
	quotedInComment = regexp.MustCompile(`'[^']*'`)
)

// placeholders is the statement with every quoted literal as `?`; numbers, names and masks stay. A backslash before a
// quote ends the literal in one dialect and not in another: all from there to the last quote is then taken for it.
// The same goes for a comment with an odd quote in it.
func placeholders(sql, mask string) string {
	if strings.IndexByte(sql, '\'') < 0 && strings.IndexByte(sql, '$') < 0 {
		return sql
	}
	kept := "'" + mask + "'"
	var out strings.Builder
	done := 0
	for {
		found := sqlToken.FindStringSubmatchIndex(sql[done:])
		if found == nil {
			out.WriteString(sql[done:])
			return out.String()
		}
		start, end := done+found[0], done+found[1]
		out.WriteString(sql[done:start])
		text := sql[start:end]
		switch {
		case found[6] >= 0 && text == kept:
			out.WriteString(text)
		case found[6] >= 0:
			end = literalEnd(sql, text, end)
			out.WriteByte('?')
		case found[8] >= 0:
			end = dollarEnd(sql, text, end)
			out.WriteByte('?')
		case found[2] >= 0:
			out.WriteString(comment(text, kept))
		default:
			out.WriteString(text)
		}
		done = end
	}
}

func literalEnd(sql, text string, end int) int {
	if strings.Contains(text, `\'`) {
		return max(strings.LastIndexByte(sql, '\'')+1, end)
	}
	return end
}

func dollarEnd(sql, tag string, end int) int {
	if closing := strings.Index(sql[end:], tag); closing >= 0 {
		return end + closing + len(tag)
	}
	return len(sql)
}

func comment(text, kept string) string {
	quotes := strings.Count(text, "'")
	if quotes == 0 {
		return text
	}
	if quotes%2 == 1 || strings.Contains(text, `\'`) {
		if strings.HasPrefix(text, "/*") {
			return "/* ? */"
		}
		return "-- ?"
	}
	return quotedInComment.ReplaceAllStringFunc(text, func(quoted string) string {
		if quoted == kept {
			return quoted
		}
		return "?"
	})
}
