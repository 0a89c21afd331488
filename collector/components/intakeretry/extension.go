// Package intakeretry keeps what an intake refuses for a reason that passes.
//
// The OTLP/HTTP exporter tries again at 429, 502, 503 and 504 only, as the OTLP specification says, and drops
// the data at every other status. Datadog's intake also answers 500 when it has trouble, 408 when it was slow,
// and 401 or 403 while a key is being rotated: nothing that is wrong with the data. This extension is a client
// middleware that turns those answers into 503, so that the exporter keeps the data in its queue; what the
// intake really said goes to the Collector's own log, once a change.
//
// It also lets go of an intake that never answers, once the Collector stops: exporters are stopped one after the
// other, and each would wait for its requests. What is let go is in the queue on disk, and sent after the next
// start.
package intakeretry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/extensioncapabilities"
	"go.opentelemetry.io/collector/extension/extensionmiddleware"
	"go.uber.org/zap"
)

// Config says which answers are tried again.
type Config struct {
	// Statuses are HTTP status codes from 400 to 599.
	Statuses []int `mapstructure:"statuses"`
	// StopAfter is how long requests may go on from when the Collector begins to stop.
	StopAfter time.Duration `mapstructure:"stop_after"`
}

// Validate refuses what is no failure, or what the exporter tries again by itself.
func (c *Config) Validate() error {
	if len(c.Statuses) == 0 {
		return errors.New("statuses is empty: name the answers to try again, such as 500")
	}
	for _, status := range c.Statuses {
		if status < 400 || status > 599 {
			return fmt.Errorf("statuses: %d is not from 400 to 599", status)
		}
	}
	if c.StopAfter <= 0 {
		return fmt.Errorf("stop_after: %s is not above 0", c.StopAfter)
	}
	return nil
}

// NewFactory makes the extension under the type `intake_retry`.
func NewFactory() extension.Factory {
	return extension.NewFactory(
		component.MustNewType("intake_retry"),
		func() component.Config {
			return &Config{Statuses: []int{401, 403, 408, 500}, StopAfter: 3 * time.Second}
		},
		create,
		component.StabilityLevelBeta,
	)
}

func create(_ context.Context, set extension.Settings, cfg component.Config) (extension.Extension, error) {
	config := cfg.(*Config)
	over, letGo := context.WithCancel(context.Background())
	return &middleware{
		statuses: config.Statuses, stopAfter: config.StopAfter, logger: set.Logger, over: over, letGo: letGo,
	}, nil
}

type middleware struct {
	component.StartFunc
	statuses  []int
	stopAfter time.Duration
	logger    *zap.Logger
	// Done when requests are to be let go.
	over  context.Context
	letGo context.CancelFunc
	timer *time.Timer
	ready atomic.Bool
}

var (
	_ extensionmiddleware.HTTPClient        = (*middleware)(nil)
	_ extensioncapabilities.PipelineWatcher = (*middleware)(nil)
)

// Ready is called when every pipeline has started.
func (m *middleware) Ready() error {
	m.ready.Store(true)
	return nil
}

// NotReady is called when the Collector begins to stop, before any exporter is.
func (m *middleware) NotReady() error {
	m.timer = time.AfterFunc(m.stopAfter, m.letGo)
	return nil
}

// Shutdown comes after all exporters'.
func (m *middleware) Shutdown(context.Context) error {
	if m.timer != nil {
		m.timer.Stop()
	}
	m.letGo()
	return nil
}

// GetHTTPRoundTripper wraps the transport of one exporter; each has a memory of its own of what was said last.
func (m *middleware) GetHTTPRoundTripper(context.Context) (extensionmiddleware.WrapHTTPRoundTripperFunc, error) {
	return func(_ context.Context, next http.RoundTripper) (http.RoundTripper, error) {
		return &transport{middleware: m, next: next}, nil
	}, nil
}

type transport struct {
	*middleware
	next http.RoundTripper
	last atomic.Int64
}

// RoundTrip passes the answer on, as 503 where it is one to try again.
func (t *transport) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(request.Context())
	forget := context.AfterFunc(t.over, cancel)
	response, err := t.next.RoundTrip(request.WithContext(ctx))
	if err != nil {
		forget()
		cancel()
		return response, err
	}
	// The body is still to be read.
	response.Body = &body{response.Body, func() { forget(); cancel() }}
	status := response.StatusCode
	again := slices.Contains(t.statuses, status)
	if t.last.Swap(int64(status)) != int64(status) && again {
		t.logger.Warn("the intake refuses; kept in the queue and tried again",
			zap.String("intake", request.URL.Host+request.URL.Path), zap.Int("status", status), zap.String("see", hint(status)))
	}
	if again {
		response.StatusCode = http.StatusServiceUnavailable
	}
	return response, nil
}

// body is a response's, and says when it has been read.
type body struct {
	io.ReadCloser
	closed func()
}

func (b *body) Close() error {
	defer b.closed()
	return b.ReadCloser.Close()
}

func hint(status int) string {
	if status == http.StatusUnauthorized || status == http.StatusForbidden {
		return "DD_API_KEY and DD_SITE: the key is wrong, of another site, or may not use this intake"
	}
	return "https://status.datadoghq.com"
}
