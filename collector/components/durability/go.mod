module tradewise.example/otelcol/durability

go 1.25.0

require (
	go.opentelemetry.io/collector/component v1.61.0
	go.opentelemetry.io/collector/extension v1.61.0
	go.opentelemetry.io/collector/extension/extensioncapabilities v0.155.0
	go.opentelemetry.io/collector/extension/extensionmiddleware v0.155.0
	go.uber.org/zap v1.27.1
	google.golang.org/grpc v1.81.1
)
