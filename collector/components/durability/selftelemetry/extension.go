// Package selftelemetry is the door through which a Collector's own metrics come into its own pipelines.
//
// The Collector can send its metrics by OTLP, and sends the last of them after all receivers and extensions have
// stopped: to a receiver of its own that would be refused, and the process would end with an error. This door opens
// before the pipelines and stays open until the process has ended. What comes while they run is handed to the
// receiver that has this extension as its middleware; what comes before or after is taken and forgotten.
package selftelemetry

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/extensioncapabilities"
	"go.opentelemetry.io/collector/extension/extensionmiddleware"
	"go.uber.org/zap"
)

// Config says where the door is.
type Config struct {
	// Endpoint is an address on loopback: whoever reaches it can make up the Collector's own metrics.
	Endpoint string `mapstructure:"endpoint"`
}

// Validate refuses a door without a place.
func (c *Config) Validate() error {
	if c.Endpoint == "" {
		return errors.New("endpoint is empty: name an address on loopback, such as 127.0.0.1:13135")
	}
	return nil
}

// NewFactory makes the extension under the type `self_telemetry`.
func NewFactory() extension.Factory {
	return extension.NewFactory(
		component.MustNewType("self_telemetry"),
		func() component.Config { return &Config{} },
		func(_ context.Context, set extension.Settings, cfg component.Config) (extension.Extension, error) {
			return &door{endpoint: cfg.(*Config).Endpoint, logger: set.Logger}, nil
		},
		component.StabilityLevelBeta,
	)
}

type door struct {
	// The process's end closes the door.
	component.ShutdownFunc
	endpoint string
	logger   *zap.Logger
	receiver atomic.Pointer[http.Handler]
	open     atomic.Bool
}

var (
	_ extensionmiddleware.HTTPServer        = (*door)(nil)
	_ extensioncapabilities.PipelineWatcher = (*door)(nil)
)

// Start listens.
func (d *door) Start(context.Context, component.Host) error {
	listener, err := net.Listen("tcp", d.endpoint)
	if err != nil {
		return fmt.Errorf("endpoint (TRADEWISE_SELF): %w", err)
	}
	server := &http.Server{Handler: d, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		d.logger.Error("the Collector's own metrics have no way any more", zap.Error(server.Serve(listener)))
	}()
	return nil
}

// Ready is called when every pipeline has started.
func (d *door) Ready() error {
	d.open.Store(true)
	return nil
}

// NotReady is called when the Collector begins to stop.
func (d *door) NotReady() error {
	d.open.Store(false)
	return nil
}

// GetHTTPHandler learns how the receiver takes what comes.
func (d *door) GetHTTPHandler(context.Context) (extensionmiddleware.WrapHTTPHandlerFunc, error) {
	return func(_ context.Context, next http.Handler) (http.Handler, error) {
		d.receiver.Store(&next)
		return next, nil
	}, nil
}

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if next := d.receiver.Load(); next != nil && d.open.Load() {
		(*next).ServeHTTP(w, r)
		return
	}
	w.WriteHeader(http.StatusOK)
}
