// Package engine carries out the state machine of package payment. It claims a payment,
// asks the provider, delivers to the shop and reports to affiliates and webhooks. It
// works on a [payment.Store], the configured providers and affiliates, and the sites of
// the running configuration. It imports no Caddy.
//
// It promises that no payment depends on memory. Everything that a crash could interrupt
// is on record before it starts, and [Engine.Sweep] resumes whatever is due. Memory only
// saves work or repeated alerts: joined calls, limits, breakers, paused receivers and the
// bank references of the last day. A restart may lose these, and loses no payment.
//
// The order of the steps is the most important rule here (rules 1 and 2 of money):
//
//	claim durable ──▶ ask the provider ──▶ receipt, keys, conversion in one
//	durable commit ──▶ say "paid" ──▶ delivery durable ──▶ call the shop
//
// # Where to look
//
//	admit.go      a customer's return arrives
//	settle.go     a record is claimed, its price is made sure of, the provider is asked
//	verdict.go    the provider's answer is decided on and committed
//	deliver.go    the shop is told
//	work.go       the worker finds what is due; due.go does the next step of one record
//	report.go     affiliates and webhooks are told
//	decide.go     a person decides
//	relay*.go     the shop's own calls to its provider
package engine
