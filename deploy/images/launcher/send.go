package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"time"
)

const (
	event = `{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"helm-test"}}]},` +
		`"scopeLogs":[{"logRecords":[{"severityNumber":9,"severityText":"INFO","body":{"stringValue":"helm test"},` +
		`"attributes":[{"key":"event_type","value":{"stringValue":"business_helm_test"}}]}]}]}]}`
	patience = 60 * time.Second
)

var accepted = regexp.MustCompile(`(?m)^otelcol_receiver_accepted_log_records\S*\{[^}]*receiver="otlp"[^}]*\} ([0-9.e+]+)$`)

// send hands one event to a Collector and waits until that Collector has counted it: `helm test`.
func send(to, metrics string, environ []string, out, problems io.Writer) int {
	client, err := trusting(lookup(environ, "TRADEWISE_GATEWAY_CA"))
	if err == nil {
		err = sendAndWait(client, to, metrics, lookup(environ, "TRADEWISE_TOKEN"))
	}
	if err != nil {
		fmt.Fprintf(problems, "launcher: %v\n", err)
		return 1
	}
	fmt.Fprintf(out, "one event sent to %s, and counted\n", to)
	return 0
}

func sendAndWait(client *http.Client, to, metrics, token string) error {
	before, err := counted(client, metrics)
	if err != nil {
		return err
	}
	request, err := http.NewRequest(http.MethodPost, to+"/v1/logs", bytes.NewBufferString(event))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", to, answer.Status)
	}
	for started := time.Now(); time.Since(started) < patience; time.Sleep(time.Second) {
		if now, err := counted(client, metrics); err == nil && now > before {
			return nil
		}
	}
	return fmt.Errorf("%s took the event, and %s has not counted it within %s", to, metrics, patience)
}

func counted(client *http.Client, metrics string) (float64, error) {
	answer, err := client.Get(metrics)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, err
	}
	var sum float64
	for _, found := range accepted.FindAllSubmatch(text, -1) {
		value, err := strconv.ParseFloat(string(found[1]), 64)
		if err != nil {
			return 0, err
		}
		sum += value
	}
	return sum, nil
}

func trusting(authority string) (*http.Client, error) {
	client := &http.Client{Timeout: 10 * time.Second}
	if authority == "" {
		return client, nil
	}
	text, err := os.ReadFile(authority)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, errors.New(authority + " holds no certificate")
	}
	client.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	return client, nil
}
