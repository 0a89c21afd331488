package durability

import (
	"context"
	"io"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/extension/extensionmiddleware"
	"go.uber.org/zap"
)

// What an intake refuses for a reason that passes. The OTLP/HTTP exporter tries again at 429, 502, 503 and 504 only,
// as the OTLP specification says, and drops the data at every other status. Datadog's intake also answers 500 when
// it has trouble, 408 when it was slow, and 401 or 403 while a key is being rotated: nothing that is wrong with the
// data. Those answers become 503 here; what the intake really said goes to the Collector's own log, once a change.
var _ extensionmiddleware.HTTPClient = (*middleware)(nil)

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
	intake := request.URL.Host + request.URL.Path
	if err != nil {
		t.readiness.noteAnswer(intake, 0, time.Now())
		forget()
		cancel()
		return response, err
	}
	// The body is still to be read.
	response.Body = &body{response.Body, func() { forget(); cancel() }}
	status := response.StatusCode
	t.readiness.noteAnswer(intake, status, time.Now())
	again := slices.Contains(t.config.Statuses, status)
	if t.last.Swap(int64(status)) != int64(status) && again {
		t.logger.Warn("the intake refuses; kept in the queue and tried again",
			zap.String("intake", intake), zap.Int("status", status), zap.String("see", hint(status)))
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
