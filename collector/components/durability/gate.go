package durability

import (
	"context"
	"net/http"

	"go.opentelemetry.io/collector/extension/extensionmiddleware"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// The gate of the receivers. The OTLP receiver serves every signal as soon as the first of its pipelines has
// started, so records may come to a queue that is still reading in what it holds from before: it would write them
// over that, or over its own index. Until all pipelines have started, senders are told to try again.
var (
	_ extensionmiddleware.HTTPServer = (*middleware)(nil)
	_ extensionmiddleware.GRPCServer = (*middleware)(nil)
)

// GetHTTPHandler answers 503 until the Collector is ready.
func (m *middleware) GetHTTPHandler(context.Context) (extensionmiddleware.WrapHTTPHandlerFunc, error) {
	return func(_ context.Context, next http.Handler) (http.Handler, error) {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !m.ready.Load() {
				w.Header().Set("Retry-After", "1")
				http.Error(w, starting, http.StatusServiceUnavailable)
				return
			}
			next.ServeHTTP(w, r)
		}), nil
	}, nil
}

// GetGRPCServerOptions answers UNAVAILABLE until the Collector is ready.
func (m *middleware) GetGRPCServerOptions(context.Context) ([]grpc.ServerOption, error) {
	gate := func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		if !m.ready.Load() {
			return nil, status.Error(codes.Unavailable, starting)
		}
		return next(ctx, req)
	}
	return []grpc.ServerOption{grpc.ChainUnaryInterceptor(gate)}, nil
}

const starting = "the Collector is starting"
