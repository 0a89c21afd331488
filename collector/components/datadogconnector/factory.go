// Package datadogconnector gives the Collector builder Datadog's APM statistics connector.
//
// The connector's own module cannot be built in this release, but all of its code is in pkg/datadog/apmstats;
// what is missing there is the factory without arguments that the builder asks for.
package datadogconnector

import (
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/datadog/apmstats"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/connector"
)

// NewFactory makes the connector under its usual type, `datadog`, as stable as Datadog declares it.
//
// The three nils leave tagger, host name and concentrator to the connector, which then makes its own.
func NewFactory() connector.Factory {
	return apmstats.NewConnectorFactory(
		component.MustNewType("datadog"), component.StabilityLevelBeta, component.StabilityLevelBeta, nil, nil, nil)
}
