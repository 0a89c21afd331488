package secrets

import (
	"fmt"
	"strings"
	"testing"
)

// hostile texts are made of what begins like a secret again and again, and never is one, or is one without an end.
var hostile = []string{
	"eyJ", "eyJ.", "eyJhbGciOiJI", "token", "token=", "token:", "token==", "token_", "password '", "api_key", "://", "://a:",
	"://a:b", "://a:1/", "bearer ", "bearer+", "basic+", "basic ", "basic basicbasic ", "aws ", "aws_", "twilio ", "--token ",
	"--", "-----BEGIN PRIVATE KEY-----", "-----BEGIN ", "private key", "1 ", "1", "4111 ", "41111111111111111", "[parameters: ",
	"authorization:", "cookie: ", "sk-", "SK0", "0Q~", "1:AA", "123456:AA", "sig=", "?sig=", "%20", "\\", `\"`, `\u0074`, `"`, "'",
	"token'", `"token": "`, `"token": {`, "{", "[", `{"a":`, `{"token":"`, "hooks.slack.com/services/", "secret=>", "session",
	"binance ", "binance key ", "identified by '", "accountkey=", "key=null ", "token=***REDACTED*** ", "xoxo", "AKIA", "ghp_",
}

// Work on a text grows with its length and no faster: what patterns look at is bounded by it, and what they may not look at
// any more is masked.
func TestHostileTextsEnd(t *testing.T) {
	e := newEngine(t)
	for _, piece := range hostile {
		text := strings.Repeat(piece, 64<<10/len(piece))
		for _, wrapped := range []string{text, `{"a": "` + text + `"}`, text + " password=hunter2"} {
			var found Counts
			clean, _ := e.Text(wrapped, e.noKey, &found)
			if strings.Contains(clean, "hunter2") {
				t.Errorf("a secret behind many of %q got through", piece)
			}
			if counts := named(e, &found); counts["internal_error"] > 0 {
				t.Errorf("many of %q: %v", piece, counts)
			}
		}
	}
}

// What looks hostile and is only much of the same is looked through to its end: masks, placeholders, innocent words.
func TestLongCleanTextsStay(t *testing.T) {
	e := newEngine(t)
	for _, piece := range []string{
		`{"user": "bob", "token": "***REDACTED***", "n": 1},`, "token=***REDACTED*** ", "arn:aws:s3:::bucket/key ", "key=null ",
		"https://docs.local/a ", "SELECT token_count FROM t; ", `"session_id":"a1b2",`, "basic information; ", "api_key=? ", "task 1 ",
	} {
		var found Counts
		text := strings.Repeat(piece, 1000)
		if clean, dirty := e.Text(text, e.noKey, &found); dirty {
			t.Errorf("much of %q becomes %.200q… %v", piece, clean, named(e, &found))
		}
	}
}

func BenchmarkHostile(b *testing.B) {
	e := newEngine(b)
	for _, size := range []int{64 << 10, 512 << 10} {
		for _, piece := range hostile {
			text := strings.Repeat(piece, size/len(piece))
			b.Run(fmt.Sprintf("%dKiB/%s", size>>10, strings.ReplaceAll(piece, "/", "|")), func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					var found Counts
					e.Text(text, e.noKey, &found)
				}
			})
		}
	}
}
