package redaction

import (
	"context"

	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// redactedName is the processor's own metric: what was masked, by rule (the `reason`) and slot, under the name and the
// tags by which the app counts the same. Never a piece of it.
const redactedName = "tradewise.telemetry.redacted"

type tally struct {
	redacted metric.Int64Counter
	// By slot and kind; made once, since a set of attributes is dear.
	options [slotCount][]metric.AddOption
}

func newTally(set processor.Settings, signal string, kinds []string) (*tally, error) {
	redacted, err := set.MeterProvider.Meter(typ.String()).Int64Counter(
		redactedName, metric.WithDescription("Values masked."), metric.WithUnit("1"))
	if err != nil {
		return nil, err
	}
	t := &tally{redacted: redacted}
	for slot := range t.options {
		for _, kind := range kinds {
			t.options[slot] = append(t.options[slot], metric.WithAttributeSet(attribute.NewSet(
				attribute.String("signal", signal),
				attribute.String("reason", kind),
				attribute.String("slot", slotNames[slot]),
			)))
		}
	}
	return t, nil
}

// report adds what a walk has found, and empties it for the next.
func (t *tally) report(ctx context.Context, w *walk) {
	for slot := range w.found {
		if !w.found[slot].Any() {
			continue
		}
		w.found[slot].Each(func(kind int, times int64) { t.redacted.Add(ctx, times, t.options[slot][kind]) })
	}
}
