// Package redaction is the Collector's processor `tradewise_redaction`: no secret passes, in whatever slot of OTLP.
//
// It walks over every slot of the three signals that can hold text or a name (traces.go, logs.go, metrics.go), masks
// values of sensitive names and secrets in texts with `***REDACTED***`, and counts what it found by rule and slot. The
// rules are those of the catalogue (internal/secrets). What cannot be scanned is masked, or its batch refused for
// good: nothing passes unseen.
package redaction

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processorhelper"
)

// Config is empty: there is one set of rules, and no way to leave one out.
type Config struct{}

var typ = component.MustNewType("tradewise_redaction")

// NewFactory makes the processor under the type `tradewise_redaction`.
func NewFactory() processor.Factory {
	return processor.NewFactory(
		typ,
		func() component.Config { return &Config{} },
		processor.WithTraces(createTraces, component.StabilityLevelBeta),
		processor.WithLogs(createLogs, component.StabilityLevelBeta),
		processor.WithMetrics(createMetrics, component.StabilityLevelBeta),
	)
}

var mutates = processorhelper.WithCapabilities(consumer.Capabilities{MutatesData: true})

func createTraces(
	ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Traces,
) (processor.Traces, error) {
	r, err := newRedactor(set, "traces")
	if err != nil {
		return nil, err
	}
	return processorhelper.NewTraces(ctx, set, cfg, next, r.traces, mutates)
}

func createLogs(
	ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Logs,
) (processor.Logs, error) {
	r, err := newRedactor(set, "logs")
	if err != nil {
		return nil, err
	}
	return processorhelper.NewLogs(ctx, set, cfg, next, r.logs, mutates)
}

func createMetrics(
	ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Metrics,
) (processor.Metrics, error) {
	r, err := newRedactor(set, "metrics")
	if err != nil {
		return nil, err
	}
	return processorhelper.NewMetrics(ctx, set, cfg, next, r.metrics, mutates)
}
