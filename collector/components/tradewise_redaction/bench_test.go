package redaction

import (
	"context"
	"fmt"
	"testing"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processortest"
)

const batchSize = 500

// record fills the twelve attributes of an ordinary record.
func record(i int, m pcommon.Map) {
	m.PutStr("http.request.method", "GET")
	m.PutStr("url.path", fmt.Sprintf("/api/v1/bots/%d/status", i))
	m.PutStr("url.full", fmt.Sprintf("https://api.tradewise.example:8443/api/v1/bots/%d/status?page=2&limit=50", i))
	m.PutInt("http.response.status_code", 200)
	m.PutStr("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36")
	m.PutStr("session_id", fmt.Sprintf("9f2c51d0a7be%04x", i))
	m.PutStr("request_id", fmt.Sprintf("7f1c2a34-9d1e-4c63-8b9e-3f5a1c2d%04x", i))
	m.PutStr("user_id", fmt.Sprintf("user-%d", i))
	m.PutDouble("response_time_ms", float64(i)/7)
	m.PutStr("db.query.text", "SELECT id, name, status FROM bots WHERE id = ? ORDER BY created_at DESC LIMIT ?")
	m.PutStr("created_at", "2026-11-24T12:30:45.123456Z")
	m.PutStr("order_id", fmt.Sprint(8_123_456_789_012_345+i))
}

// cleanLogs is a batch without secrets; of `dirty` records one has a secret, none if it is 0.
func cleanLogs(dirty int) plog.Logs {
	batch := plog.NewLogs()
	records := batch.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for i := range batchSize {
		r := records.AppendEmpty()
		record(i, r.Attributes())
		r.SetSeverityText("INFO")
		r.Body().SetStr(fmt.Sprintf("GET /api/v1/bots/%d/status answered 200 in %d ms for user-%d", i, i%90, i))
		if dirty > 0 && i%dirty == 0 {
			r.Body().SetStr("login of bob with password=hunter2 failed, asked https://bob:s3cr3t@bot.example/login")
		}
	}
	return batch
}

func cleanTraces() ptrace.Traces {
	batch := ptrace.NewTraces()
	spans := batch.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	for i := range batchSize {
		span := spans.AppendEmpty()
		record(i, span.Attributes())
		span.SetName("GET /api/v1/bots/{bot_id}/status")
		span.TraceState().FromRaw("ot=th:e666666666666")
	}
	return batch
}

func newBenchRedactor(b testing.TB) *redactor {
	r, err := newRedactor(processortest.NewNopSettings(typ), "logs")
	if err != nil {
		b.Fatal(err)
	}
	return r
}

func perRecord(b *testing.B) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/batchSize, "ns/record")
}

func BenchmarkCleanLogs(b *testing.B) {
	r, batch := newBenchRedactor(b), cleanLogs(0)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = r.logs(context.Background(), batch)
	}
	perRecord(b)
}

func BenchmarkCleanTraces(b *testing.B) {
	r, batch := newBenchRedactor(b), cleanTraces()
	b.ReportAllocs()
	for b.Loop() {
		_, _ = r.traces(context.Background(), batch)
	}
	perRecord(b)
}

// One record in twenty is dirty; the copy, without which it would be clean the second time, is not timed.
func BenchmarkDirtyLogs(b *testing.B) {
	r, batch, copied := newBenchRedactor(b), cleanLogs(20), plog.NewLogs()
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		batch.CopyTo(copied)
		b.StartTimer()
		_, _ = r.logs(context.Background(), copied)
	}
	perRecord(b)
}

// A clean batch costs no allocation, whatever words its texts have in common with secrets.
func TestCleanRecordsAllocateNothing(t *testing.T) {
	r, logs, traces := newBenchRedactor(t), cleanLogs(0), cleanTraces()
	for name, pass := range map[string]func(){
		"logs":   func() { _, _ = r.logs(context.Background(), logs) },
		"traces": func() { _, _ = r.traces(context.Background(), traces) },
	} {
		if allocations := testing.AllocsPerRun(20, pass); allocations > 2 {
			t.Errorf("%d clean %s cost %.0f allocations", batchSize, name, allocations)
		}
	}
}
