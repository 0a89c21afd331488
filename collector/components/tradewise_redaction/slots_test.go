package redaction

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/xpdata/entity"
)

// filler puts something into a slot of a batch: a text, or an attribute.
type filler struct {
	text      func(slot slot, set func(string))
	attribute func(slot slot, attributes pcommon.Map)
}

// fillTraces makes a batch with one of everything.
func (f filler) fillTraces() ptrace.Traces {
	batch := ptrace.NewTraces()
	group := batch.ResourceSpans().AppendEmpty()
	f.resource(group.Resource())
	f.text(inResourceSchema, group.SetSchemaUrl)
	scoped := group.ScopeSpans().AppendEmpty()
	f.scope(scoped.Scope())
	f.text(inScopeSchema, scoped.SetSchemaUrl)
	span := scoped.Spans().AppendEmpty()
	f.text(inSpanName, span.SetName)
	f.text(inTraceState, span.TraceState().FromRaw)
	f.text(inStatusMessage, span.Status().SetMessage)
	f.attribute(inSpan, span.Attributes())
	event := span.Events().AppendEmpty()
	f.text(inEventName, event.SetName)
	f.attribute(inEvent, event.Attributes())
	link := span.Links().AppendEmpty()
	f.text(inLinkTraceState, link.TraceState().FromRaw)
	f.attribute(inLink, link.Attributes())
	return batch
}

func (f filler) resource(resource pcommon.Resource) {
	f.attribute(inResource, resource.Attributes())
	ref := entity.ResourceEntityRefs(resource).AppendEmpty()
	f.text(inEntity, ref.SetType)
	f.text(inEntity, ref.SetSchemaUrl)
	f.text(inEntity, func(name string) { ref.IdKeys().Append(name) })
	f.text(inEntity, func(name string) { ref.DescriptionKeys().Append(name) })
}

func (f filler) scope(scope pcommon.InstrumentationScope) {
	f.text(inScopeName, scope.SetName)
	f.text(inScopeVersion, scope.SetVersion)
	f.attribute(inScope, scope.Attributes())
}

func (f filler) fillLogs() plog.Logs {
	batch := plog.NewLogs()
	group := batch.ResourceLogs().AppendEmpty()
	f.resource(group.Resource())
	f.text(inResourceSchema, group.SetSchemaUrl)
	scoped := group.ScopeLogs().AppendEmpty()
	f.scope(scoped.Scope())
	f.text(inScopeSchema, scoped.SetSchemaUrl)
	record := scoped.LogRecords().AppendEmpty()
	f.text(inLogEventName, record.SetEventName)
	f.text(inSeverityText, record.SetSeverityText)
	f.text(inBody, record.Body().SetStr)
	f.attribute(inLog, record.Attributes())
	f.attribute(inBody, scoped.LogRecords().AppendEmpty().Body().SetEmptyMap())
	return batch
}

func (f filler) fillMetrics() pmetric.Metrics {
	batch := pmetric.NewMetrics()
	group := batch.ResourceMetrics().AppendEmpty()
	f.resource(group.Resource())
	f.text(inResourceSchema, group.SetSchemaUrl)
	scoped := group.ScopeMetrics().AppendEmpty()
	f.scope(scoped.Scope())
	f.text(inScopeSchema, scoped.SetSchemaUrl)
	metrics := scoped.Metrics()
	gauge := f.metric(metrics).SetEmptyGauge().DataPoints().AppendEmpty()
	f.point(gauge.Attributes(), gauge.Exemplars())
	sum := f.metric(metrics).SetEmptySum().DataPoints().AppendEmpty()
	f.point(sum.Attributes(), sum.Exemplars())
	histogram := f.metric(metrics).SetEmptyHistogram().DataPoints().AppendEmpty()
	f.point(histogram.Attributes(), histogram.Exemplars())
	exponential := f.metric(metrics).SetEmptyExponentialHistogram().DataPoints().AppendEmpty()
	f.point(exponential.Attributes(), exponential.Exemplars())
	f.attribute(inPoint, f.metric(metrics).SetEmptySummary().DataPoints().AppendEmpty().Attributes())
	return batch
}

func (f filler) metric(metrics pmetric.MetricSlice) pmetric.Metric {
	metric := metrics.AppendEmpty()
	f.text(inMetricName, metric.SetName)
	f.text(inMetricDescription, metric.SetDescription)
	f.text(inMetricUnit, metric.SetUnit)
	f.attribute(inMetricMetadata, metric.Metadata())
	return metric
}

func (f filler) point(attributes pcommon.Map, exemplars pmetric.ExemplarSlice) {
	f.attribute(inPoint, attributes)
	f.attribute(inExemplar, exemplars.AppendEmpty().FilteredAttributes())
}
