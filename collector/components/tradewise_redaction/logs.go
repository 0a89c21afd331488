package redaction

import "go.opentelemetry.io/collector/pdata/plog"

func (w *walk) logs(batch plog.Logs) {
	for i := range batch.ResourceLogs().Len() {
		group := batch.ResourceLogs().At(i)
		w.resource(group.Resource())
		w.text(inResourceSchema, group.SchemaUrl(), group.SetSchemaUrl)
		for j := range group.ScopeLogs().Len() {
			scoped := group.ScopeLogs().At(j)
			w.scope(scoped.Scope())
			w.text(inScopeSchema, scoped.SchemaUrl(), scoped.SetSchemaUrl)
			for k := range scoped.LogRecords().Len() {
				w.record(scoped.LogRecords().At(k))
			}
		}
	}
}

func (w *walk) record(record plog.LogRecord) {
	w.text(inLogEventName, record.EventName(), record.SetEventName)
	w.text(inSeverityText, record.SeverityText(), record.SetSeverityText)
	w.value(inBody, record.Body(), w.engine.Key(""), 0)
	w.attributes(inLog, record.Attributes())
}
