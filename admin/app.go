package admin

import "github.com/rahgir/caddy-payments/admin/operate"

// App is what the admin API needs of the payments app.
type App = operate.App

// Finding is one line of the doctor's list.
type Finding = operate.Finding

// Level says how bad a finding is.
type Level = operate.Level

// The levels of findings.
const (
	LevelOK    = operate.LevelOK
	LevelWarn  = operate.LevelWarn
	LevelError = operate.LevelError
)
