package redaction

// slot is a place in OTLP that can hold a secret.
type slot int

const (
	inResource slot = iota
	inEntity
	inResourceSchema
	inScope
	inScopeName
	inScopeVersion
	inScopeSchema
	inSpan
	inSpanName
	inTraceState
	inStatusMessage
	inEvent
	inEventName
	inLink
	inLinkTraceState
	inLog
	inBody
	inLogEventName
	inSeverityText
	inMetricName
	inMetricDescription
	inMetricUnit
	inMetricMetadata
	inPoint
	inExemplar
	slotCount
)

var slotNames = [slotCount]string{
	"resource", "entity", "resource_schema", "scope", "scope_name", "scope_version", "scope_schema",
	"span", "span_name", "trace_state", "status_message", "event", "event_name", "link", "link_trace_state",
	"log", "body", "log_event_name", "severity_text",
	"metric_name", "metric_description", "metric_unit", "metric_metadata", "point", "exemplar",
}
