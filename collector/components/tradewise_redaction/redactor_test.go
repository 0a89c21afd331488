package redaction

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"sync"
	"testing"

	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// pass sends the three batches through processors as a Collector makes them, and gives what comes out, and the
// settings by which their metrics can be read.
func pass(t testing.TB, f filler) (out []byte, telemetry *componenttest.Telemetry) {
	t.Helper()
	ctx, set := context.Background(), processortest.NewNopSettings(typ)
	telemetry = componenttest.NewTelemetry()
	set.TelemetrySettings = telemetry.NewTelemetrySettings()
	traces, logs, metrics := new(consumertest.TracesSink), new(consumertest.LogsSink), new(consumertest.MetricsSink)
	p, q, r := processors(t, set, traces, logs, metrics)
	if err := errors.Join(
		p.ConsumeTraces(ctx, f.fillTraces()), q.ConsumeLogs(ctx, f.fillLogs()), r.ConsumeMetrics(ctx, f.fillMetrics()),
	); err != nil {
		t.Fatal(err)
	}
	first, _ := (&ptrace.ProtoMarshaler{}).MarshalTraces(traces.AllTraces()[0])
	second, _ := (&plog.ProtoMarshaler{}).MarshalLogs(logs.AllLogs()[0])
	third, _ := (&pmetric.ProtoMarshaler{}).MarshalMetrics(metrics.AllMetrics()[0])
	return bytes.Join([][]byte{first, second, third}, nil), telemetry
}

func processors(
	t testing.TB, set processor.Settings, traces *consumertest.TracesSink, logs *consumertest.LogsSink,
	metrics *consumertest.MetricsSink,
) (processor.Traces, processor.Logs, processor.Metrics) {
	t.Helper()
	ctx, factory := context.Background(), NewFactory()
	p, err1 := factory.CreateTraces(ctx, set, factory.CreateDefaultConfig(), traces)
	q, err2 := factory.CreateLogs(ctx, set, factory.CreateDefaultConfig(), logs)
	r, err3 := factory.CreateMetrics(ctx, set, factory.CreateDefaultConfig(), metrics)
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	return p, q, r
}

// counted reads the processor's own metric, by rule or by slot.
func counted(t testing.TB, telemetry *componenttest.Telemetry, by string) map[string]int {
	t.Helper()
	read, err := telemetry.GetMetric(redactedName)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, point := range read.Data.(metricdata.Sum[int64]).DataPoints {
		value, _ := point.Attributes.Value(attribute.Key(by))
		counts[value.AsString()] += int(point.Value)
	}
	return counts
}

// attributeForms are the ways in which a secret stands in an attribute.
var attributeForms = map[string]func(canary string, attributes pcommon.Map){
	"text":   func(c string, m pcommon.Map) { m.PutStr("note", "login with password="+c+" failed") },
	"key":    func(c string, m pcommon.Map) { m.PutStr("api_token", c) },
	"camel":  func(c string, m pcommon.Map) { m.PutStr("userPassword", c) },
	"name":   func(c string, m pcommon.Map) { m.PutStr("see password="+c, "") },
	"bytes":  func(c string, m pcommon.Map) { m.PutEmptyBytes("blob").FromRaw([]byte("password=" + c)) },
	"nested": func(c string, m pcommon.Map) { m.PutEmptyMap("a").PutEmptyMap("b").PutStr("secret", c) },
	"listed": func(c string, m pcommon.Map) { m.PutEmptySlice("a").AppendEmpty().SetEmptyMap().PutStr("token", c) },
	"object": func(c string, m pcommon.Map) { m.PutEmptyMap("credentials").PutStr("plain", c) },
	"option": func(c string, m pcommon.Map) {
		arguments := m.PutEmptySlice("argv")
		arguments.AppendEmpty().SetStr("--api-key")
		arguments.AppendEmpty().SetStr(c)
	},
	"json": func(c string, m pcommon.Map) { m.PutStr("body", `{"a": [{"p\u0061ssword": "`+c+` and more"}]}`) },
	"sql": func(c string, m pcommon.Map) {
		m.PutStr("db.query.text", "SELECT * FROM t WHERE x = '"+c+"' AND y = 1")
	},
	"url":    func(c string, m pcommon.Map) { m.PutStr("url", "redis://bob:"+c+"@cache:6379/0") },
	"number": func(_ string, m pcommon.Map) { m.PutEmptyMap("x").PutInt("db_secret", 4711) },
}

// A secret is in nothing that goes on, in whatever slot it stands, and is counted under that slot.
func TestNoSecretPassesInAnySlot(t *testing.T) {
	for form, put := range attributeForms {
		t.Run(form, func(t *testing.T) {
			canaries := 0
			expected := map[string]int{}
			next := func(at slot) string {
				canaries++
				expected[slotNames[at]]++
				return fmt.Sprintf("Canary%04d", canaries)
			}
			out, telemetry := pass(t, filler{
				text:      func(at slot, set func(string)) { set("login with password=" + next(at) + " failed") },
				attribute: func(at slot, m pcommon.Map) { put(next(at), m) },
			})
			if at := bytes.Index(out, []byte("Canary")); at >= 0 {
				t.Errorf("%q got through", out[max(0, at-30):at+10])
			}
			if len(expected) != int(slotCount) {
				t.Errorf("%d slots were filled, there are %d", len(expected), slotCount)
			}
			// A literal that became a placeholder is no secret that was found.
			if counts := counted(t, telemetry, "slot"); form != "sql" && !maps.Equal(counts, expected) {
				t.Errorf("counted %v, sent %v", counts, expected)
			}
		})
	}
}

// Every rule's example of the shared vectors is masked in every slot, and counted by its rule.
func TestEveryRuleInEverySlot(t *testing.T) {
	for _, vector := range readVectors(t) {
		if len(vector.Counts) == 0 {
			continue
		}
		slots := 0
		out, telemetry := pass(t, filler{
			text:      func(_ slot, set func(string)) { slots++; set(vector.Input) },
			attribute: func(_ slot, m pcommon.Map) { slots++; m.PutStr("note", vector.Input) },
		})
		if n := bytes.Count(out, []byte(vector.Expected)); n != slots {
			t.Errorf("%q is clean %d times in %d slots", vector.Input, n, slots)
		}
		for rule, times := range counted(t, telemetry, "reason") {
			if times != vector.Counts[rule]*slots {
				t.Errorf("%q: %s counted %d times", vector.Input, rule, times)
			}
		}
	}
}

// What is clean passes as it came, byte for byte: near misses of all rules, names, numbers, nested values.
func TestCleanBatchesAreLeftAlone(t *testing.T) {
	var clean []string
	for _, vector := range readVectors(t) {
		if len(vector.Counts) == 0 {
			clean = append(clean, vector.Input)
		}
	}
	f := filler{
		text: func(_ slot, set func(string)) { set(clean[0]) },
		attribute: func(_ slot, m pcommon.Map) {
			for i, text := range clean {
				m.PutStr(fmt.Sprintf("note.%d", i), text)
			}
			m.PutInt("account", 4111111111111111)
			m.PutStr("session_id", "a1b2")
			m.PutStr("password", "")
			m.PutEmpty("secret")
			m.PutEmptyMap("nested").PutEmptySlice("list").AppendEmpty().SetDouble(0.5)
		},
	}
	out, _ := pass(t, f)
	first, _ := (&ptrace.ProtoMarshaler{}).MarshalTraces(f.fillTraces())
	second, _ := (&plog.ProtoMarshaler{}).MarshalLogs(f.fillLogs())
	third, _ := (&pmetric.ProtoMarshaler{}).MarshalMetrics(f.fillMetrics())
	if !bytes.Equal(out, bytes.Join([][]byte{first, second, third}, nil)) {
		t.Error("a clean batch was changed")
	}
}

// What is nested too deeply to be looked into is masked whole.
func TestTooDeepIsMasked(t *testing.T) {
	out, telemetry := pass(t, filler{
		text: func(slot, func(string)) {},
		attribute: func(_ slot, m pcommon.Map) {
			for range 1000 {
				m = m.PutEmptyMap("m")
			}
			m.PutStr("note", "Canary")
		},
	})
	if bytes.Contains(out, []byte("Canary")) {
		t.Error("what nobody looked into got through")
	}
	if counted(t, telemetry, "reason")["depth"] == 0 {
		t.Error("it is not counted")
	}
}

// A map with more secret names than are worth rewriting loses the rest of them.
func TestTooManySecretNamesAreDropped(t *testing.T) {
	out, telemetry := pass(t, filler{
		text: func(slot, func(string)) {},
		attribute: func(_ slot, m pcommon.Map) {
			for i := range 3 * mostDirtyNames {
				m.PutStr(fmt.Sprintf("%d password=Canary%d", i, i), "x")
			}
		},
	})
	if bytes.Contains(out, []byte("Canary")) {
		t.Error("a secret in a name got through")
	}
	if counted(t, telemetry, "reason")["keys"] == 0 {
		t.Error("what was dropped is not counted")
	}
}

// Batches that pass at the same time do not get into each other's way; `go test -race` looks on.
func TestManyAtOnce(t *testing.T) {
	r := newBenchRedactor(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 5 {
				batch := cleanLogs(3)
				_, err := r.logs(context.Background(), batch)
				out, _ := (&plog.ProtoMarshaler{}).MarshalLogs(batch)
				if err != nil || bytes.Contains(out, []byte("hunter2")) || bytes.Contains(out, []byte("s3cr3t")) {
					t.Error("a secret got through", err)
				}
			}
		})
	}
	all.Wait()
}

// A batch that breaks the walk is refused for good, without a word of what is in it, and counted.
func TestABrokenWalkRefusesTheBatch(t *testing.T) {
	telemetry := componenttest.NewTelemetry()
	set := processortest.NewNopSettings(typ)
	set.TelemetrySettings = telemetry.NewTelemetrySettings()
	r, err := newRedactor(set, "traces")
	if err != nil {
		t.Fatal(err)
	}
	// No batch that can be decoded breaks the walk; one that was never made does.
	_, err = r.traces(context.Background(), ptrace.Traces{})
	if err == nil || !consumererror.IsPermanent(err) {
		t.Errorf("the batch is not refused for good: %v", err)
	}
	if counted(t, telemetry, "reason")["internal_error"] != 1 {
		t.Error("it is not counted")
	}
}

type vector struct {
	Input, Expected string
	Counts          map[string]int
}

// readVectors are those that Python's implementation is held to as well, without what no OTLP text can be.
func readVectors(t testing.TB) []vector {
	t.Helper()
	raw, err := os.ReadFile("../../../tests/vectors/redaction.json")
	if err != nil {
		t.Fatal(err)
	}
	var read struct{ Texts []vector }
	if err := json.Unmarshal(raw, &read); err != nil {
		t.Fatal(err)
	}
	return read.Texts
}
