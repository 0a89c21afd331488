package redaction

import "go.opentelemetry.io/collector/pdata/ptrace"

func (w *walk) traces(batch ptrace.Traces) {
	for i := range batch.ResourceSpans().Len() {
		group := batch.ResourceSpans().At(i)
		w.resource(group.Resource())
		w.text(inResourceSchema, group.SchemaUrl(), group.SetSchemaUrl)
		for j := range group.ScopeSpans().Len() {
			scoped := group.ScopeSpans().At(j)
			w.scope(scoped.Scope())
			w.text(inScopeSchema, scoped.SchemaUrl(), scoped.SetSchemaUrl)
			for k := range scoped.Spans().Len() {
				w.span(scoped.Spans().At(k))
			}
		}
	}
}

func (w *walk) span(span ptrace.Span) {
	w.text(inSpanName, span.Name(), span.SetName)
	w.text(inTraceState, span.TraceState().AsRaw(), span.TraceState().FromRaw)
	w.text(inStatusMessage, span.Status().Message(), span.Status().SetMessage)
	w.attributes(inSpan, span.Attributes())
	for i := range span.Events().Len() {
		event := span.Events().At(i)
		w.text(inEventName, event.Name(), event.SetName)
		w.attributes(inEvent, event.Attributes())
	}
	for i := range span.Links().Len() {
		link := span.Links().At(i)
		w.text(inLinkTraceState, link.TraceState().AsRaw(), link.TraceState().FromRaw)
		w.attributes(inLink, link.Attributes())
	}
}
