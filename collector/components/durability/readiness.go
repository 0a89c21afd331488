package durability

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sort"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.uber.org/zap"
)

// Readiness: whether what comes in also gets out. Its red keeps senders away, or tells a person; it is no reason to
// kill the process, whose liveness has an address of its own (the health_check extension).
//
// Red before all pipelines have started and from when they stop; when an intake refuses us for good (401, 403); and
// when one has not taken anything for `after` although there was something to send: attempts are what is seen, so an
// intake for which nothing waits stays green.
type readiness struct {
	after   time.Duration
	mutex   sync.Mutex
	intakes map[string]*intake
	server  *http.Server
}

type intake struct {
	// Zero while the last answer was a success.
	failing time.Time
	why     string
	refuses bool
}

// Start listens; requests are answered from the first moment, red.
func (m *middleware) Start(context.Context, component.Host) error {
	if m.config.Ready.Endpoint == "" {
		return nil
	}
	listener, err := net.Listen("tcp", m.config.Ready.Endpoint)
	if err != nil {
		return fmt.Errorf("ready.endpoint (TRADEWISE_READY): %w", err)
	}
	m.readiness.server = &http.Server{Handler: http.HandlerFunc(m.answer), ReadHeaderTimeout: 5 * time.Second}
	go func() {
		if err := m.readiness.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			m.logger.Error("readiness is no longer answered", zap.Error(err))
		}
	}()
	return nil
}

func (m *middleware) answer(w http.ResponseWriter, _ *http.Request) {
	why := m.readiness.problems(time.Now())
	if !m.ready.Load() || m.stopping.Load() {
		why = append([]string{"the Collector is starting or stopping"}, why...)
	}
	answer := map[string]any{"status": "ready"}
	w.Header().Set("Content-Type", "application/json")
	if len(why) > 0 {
		answer = map[string]any{"status": "not ready", "why": why}
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	json.NewEncoder(w).Encode(answer)
}

// noteAnswer remembers what an intake said last; status 0: it did not answer.
func (r *readiness) noteAnswer(name string, status int, now time.Time) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	known := r.intakes[name]
	if known == nil {
		known = &intake{}
		r.intakes[name] = known
	}
	if status >= 200 && status < 300 {
		*known = intake{}
		return
	}
	if known.failing.IsZero() {
		known.failing = now
	}
	known.refuses = status == http.StatusUnauthorized || status == http.StatusForbidden
	known.why = "does not answer"
	if status != 0 {
		known.why = fmt.Sprintf("answers %d", status)
	}
}

// problems says of each intake that makes us red since when, and why; in the order of their names.
func (r *readiness) problems(now time.Time) []string {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	var said []string
	for name, known := range r.intakes {
		if since := now.Sub(known.failing); !known.failing.IsZero() && (known.refuses || since >= r.after) {
			said = append(said, fmt.Sprintf("%s %s, for %s", name, known.why, since.Round(time.Second)))
		}
	}
	sort.Strings(said)
	return said
}
