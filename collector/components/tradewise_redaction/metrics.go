package redaction

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

func (w *walk) metrics(batch pmetric.Metrics) {
	for i := range batch.ResourceMetrics().Len() {
		group := batch.ResourceMetrics().At(i)
		w.resource(group.Resource())
		w.text(inResourceSchema, group.SchemaUrl(), group.SetSchemaUrl)
		for j := range group.ScopeMetrics().Len() {
			scoped := group.ScopeMetrics().At(j)
			w.scope(scoped.Scope())
			w.text(inScopeSchema, scoped.SchemaUrl(), scoped.SetSchemaUrl)
			for k := range scoped.Metrics().Len() {
				w.metric(scoped.Metrics().At(k))
			}
		}
	}
}

func (w *walk) metric(metric pmetric.Metric) {
	w.text(inMetricName, metric.Name(), metric.SetName)
	w.text(inMetricDescription, metric.Description(), metric.SetDescription)
	w.text(inMetricUnit, metric.Unit(), metric.SetUnit)
	w.attributes(inMetricMetadata, metric.Metadata())
	switch metric.Type() {
	case pmetric.MetricTypeGauge:
		points(w, metric.Gauge().DataPoints())
	case pmetric.MetricTypeSum:
		points(w, metric.Sum().DataPoints())
	case pmetric.MetricTypeHistogram:
		points(w, metric.Histogram().DataPoints())
	case pmetric.MetricTypeExponentialHistogram:
		points(w, metric.ExponentialHistogram().DataPoints())
	case pmetric.MetricTypeSummary:
		for i := range metric.Summary().DataPoints().Len() {
			w.attributes(inPoint, metric.Summary().DataPoints().At(i).Attributes())
		}
	}
}

// points are those of a metric whose points have exemplars: every kind but a summary.
func points[P interface {
	Attributes() pcommon.Map
	Exemplars() pmetric.ExemplarSlice
}, S interface {
	Len() int
	At(int) P
}](w *walk, all S) {
	for i := range all.Len() {
		point := all.At(i)
		w.attributes(inPoint, point.Attributes())
		for j := range point.Exemplars().Len() {
			w.attributes(inExemplar, point.Exemplars().At(j).FilteredAttributes())
		}
	}
}
