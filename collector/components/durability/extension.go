// Package durability closes the gaps through which a Collector with a queue on disk still loses data.
//
// Refusals (refusals.go): the OTLP/HTTP exporter drops what is answered 500, 401 or 403; here it is kept.
//
// Stopping: exporters are stopped one after the other, and each would wait for an intake that never answers; from
// `stop_after` on such requests are let go. They are in the queue on disk, and sent after the next start. And
// Datadog's exporter of spans does not wait for what it has just handed to the network; the process stays for
// `linger` after its exporters.
//
// Starting (gate.go): the OTLP receiver serves before every queue has been read in.
//
// Since it sees every answer of the intakes, it also says whether they take what they are sent (readiness.go).
package durability

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/extensioncapabilities"
	"go.uber.org/zap"
)

// Config says which answers are tried again, and how stopping goes.
type Config struct {
	// Statuses are HTTP status codes from 400 to 599.
	Statuses []int `mapstructure:"statuses"`
	// StopAfter is how long requests may go on from when the Collector begins to stop.
	StopAfter time.Duration `mapstructure:"stop_after"`
	// Linger is how long the process stays after its exporters have stopped.
	Linger time.Duration `mapstructure:"linger"`
	// Ready is where readiness is asked for.
	Ready ReadyConfig `mapstructure:"ready"`
}

// ReadyConfig says where readiness is answered, and how long an intake may be away before it turns red.
type ReadyConfig struct {
	// Endpoint is an address to listen on; empty: nobody can ask.
	Endpoint string `mapstructure:"endpoint"`
	// After is how long nothing may have been taken although something was sent.
	After time.Duration `mapstructure:"after"`
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
	if c.Linger < 0 {
		return fmt.Errorf("linger: %s is below 0", c.Linger)
	}
	if c.Ready.After <= 0 {
		return fmt.Errorf("ready.after: %s is not above 0", c.Ready.After)
	}
	return nil
}

// NewFactory makes the extension under the type `durability`.
func NewFactory() extension.Factory {
	return extension.NewFactory(
		component.MustNewType("durability"),
		func() component.Config {
			return &Config{
				Statuses: []int{401, 403, 408, 500}, StopAfter: 3 * time.Second,
				Ready: ReadyConfig{After: 5 * time.Minute},
			}
		},
		create,
		component.StabilityLevelBeta,
	)
}

func create(_ context.Context, set extension.Settings, cfg component.Config) (extension.Extension, error) {
	config := cfg.(*Config)
	over, letGo := context.WithCancel(context.Background())
	return &middleware{
		config: config, logger: set.Logger, over: over, letGo: letGo,
		readiness: readiness{after: config.Ready.After, intakes: map[string]*intake{}},
	}, nil
}

type middleware struct {
	config *Config
	logger *zap.Logger
	// Done when requests are to be let go.
	over      context.Context
	letGo     context.CancelFunc
	timer     *time.Timer
	ready     atomic.Bool
	stopping  atomic.Bool
	readiness readiness
}

var _ extensioncapabilities.PipelineWatcher = (*middleware)(nil)

// Ready is called when every pipeline has started.
func (m *middleware) Ready() error {
	m.ready.Store(true)
	return nil
}

// NotReady is called when the Collector begins to stop, before any exporter is.
func (m *middleware) NotReady() error {
	m.stopping.Store(true)
	m.timer = time.AfterFunc(m.config.StopAfter, m.letGo)
	return nil
}

// Shutdown comes after all exporters'.
func (m *middleware) Shutdown(context.Context) error {
	if m.timer != nil {
		m.timer.Stop()
	}
	m.letGo()
	time.Sleep(m.config.Linger)
	if m.readiness.server != nil {
		return m.readiness.server.Close()
	}
	return nil
}
