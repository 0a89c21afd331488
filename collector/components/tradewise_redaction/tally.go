package redaction

import (
	"context"

	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// matchesName is the processor's own metric: secrets masked, by rule and slot. Never a piece of one.
const matchesName = "otelcol_processor_tradewise_redaction_matches"

type tally struct {
	matches metric.Int64Counter
	// By slot and kind; made once, since a set of attributes is dear.
	options [slotCount][]metric.AddOption
}

func newTally(set processor.Settings, kinds []string) (*tally, error) {
	matches, err := set.MeterProvider.Meter(typ.String()).Int64Counter(
		matchesName, metric.WithDescription("Secrets that were masked, by rule and slot."), metric.WithUnit("1"))
	if err != nil {
		return nil, err
	}
	t := &tally{matches: matches}
	for slot := range t.options {
		for _, kind := range kinds {
			t.options[slot] = append(t.options[slot], metric.WithAttributeSet(attribute.NewSet(
				attribute.String("processor", set.ID.String()),
				attribute.String("rule", kind),
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
		w.found[slot].Each(func(kind int, times int64) { t.matches.Add(ctx, times, t.options[slot][kind]) })
	}
}
