module tradewise.example/load

go 1.26
