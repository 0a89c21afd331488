package redaction

import (
	"context"
	"fmt"
	"sync"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"

	"tradewise.example/otelcol/tradewise_redaction/internal/secrets"
)

// Every pipeline has a processor of its own; what they know of names they know together.
var engine = sync.OnceValues(secrets.New)

// redactor is the processor of one signal in one pipeline.
type redactor struct {
	engine *secrets.Engine
	tally  *tally
	walks  sync.Pool
}

func newRedactor(set processor.Settings, signal string) (*redactor, error) {
	shared, err := engine()
	if err != nil {
		return nil, err
	}
	counted, err := newTally(set, signal, shared.Kinds())
	if err != nil {
		return nil, err
	}
	r := &redactor{engine: shared, tally: counted}
	r.walks.New = func() any { return &walk{engine: shared} }
	return r, nil
}

func (r *redactor) traces(ctx context.Context, batch ptrace.Traces) (ptrace.Traces, error) {
	return batch, r.over(ctx, func(w *walk) { w.traces(batch) })
}

func (r *redactor) logs(ctx context.Context, batch plog.Logs) (plog.Logs, error) {
	return batch, r.over(ctx, func(w *walk) { w.logs(batch) })
}

func (r *redactor) metrics(ctx context.Context, batch pmetric.Metrics) (pmetric.Metrics, error) {
	return batch, r.over(ctx, func(w *walk) { w.metrics(batch) })
}

// over runs one walk over one batch, and counts what it found. A batch that breaks the walk is refused for good, since
// it would break it again.
func (r *redactor) over(ctx context.Context, do func(w *walk)) (err error) {
	w := r.walks.Get().(*walk)
	defer func() {
		if broken := recover(); broken != nil {
			// Without its message, which might quote what could not be scanned.
			err = consumererror.NewPermanent(fmt.Errorf("redaction failed (%T): the batch is not passed on", broken))
			w.internalError()
		}
		r.tally.report(ctx, w)
		r.walks.Put(w)
	}()
	do(w)
	return nil
}
