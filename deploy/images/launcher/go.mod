module tradewise.example/otelcol/launcher

go 1.26
