package admin

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/rahgir/caddy-payments/internal/block"
	"github.com/rahgir/caddy-payments/internal/explain"
	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/payment"
)

// described is what the OpenAPI document says of a route. Its method, path and
// parameters are those that the route is served and checked by.
type described struct {
	summary string
	// body is the JSON that is sent; text is sent as text/plain.
	body any
	text bool
	// answer is the JSON of the answer, with status 200 or code; lines are JSON lines.
	answer any
	code   int
	lines  bool
}

var descriptions = map[string]described{
	"":             {summary: "Counts, what waits longest, what costs money now, and how providers, shops and the ledger are", answer: operate.Summary{}},
	"list":         {summary: "Payments, newest first", answer: Listed{}},
	"show":         {summary: "One payment with explanation and history", answer: operate.View{}},
	"verify":       {summary: "Asks the provider now", answer: Changed{}},
	"resend":       {summary: "Hands a parked payment over again, or reports its conversion again", body: Resend{}, answer: Changed{}},
	"resolve":      {summary: "Decides about a payment", body: Resolve{}, answer: Changed{}},
	"intents":      {summary: "Announces a payment; the answer is its receipt", body: Intent{}, answer: Intended{}, code: http.StatusCreated},
	"refund":       {summary: "Gives back what was paid, all or a part of it", body: Repay{}, answer: Changed{}},
	"reverse":      {summary: "Undoes a payment whole", body: Repay{}, answer: Changed{}},
	"webhooks":     {summary: "Messages to webhooks and notifiers", answer: Tales{}},
	"tell":         {summary: "Sends messages about a payment again", body: Tell{}, answer: Changed{}},
	"import-ids":   {summary: "Ids that were used before this ledger, one a line", text: true, answer: operate.Imported{}},
	"export":       {summary: "All payments that the filters choose, as JSON lines", answer: operate.Row{}, lines: true},
	"doctor":       {summary: "What is wrong with the configuration and around it, and what costs money now", answer: Findings{}},
	"stats":        {summary: "Counts, sums and success rates, today, 30 days and by dates; each day; who decided what", answer: operate.Stats{}},
	"reconcile":    {summary: "Compares with a provider's list, or with the one that is sent, and names each difference; changes nothing", body: Reconcile{}, answer: operate.Reconciled{}},
	"backup":       {summary: "The whole ledger with its secrets, as one moment has it, as JSON lines", lines: true, answer: operate.Row{}},
	"erase":        {summary: "Finished payments forget what is known of their payers", body: Erase{}, answer: operate.Erasures{}},
	"openapi.json": {summary: "This document"},
}

// parameters are what the document says of a parameter of a query.
var parameters = func() map[string]object {
	text := func(says string) object { return object{"description": says, "schema": object{"type": "string"}} }
	all := map[string]object{
		"cursor":   text("Goes on where the page before ended: its `next`"),
		"limit":    {"description": "How many at most", "schema": object{"type": "integer", "minimum": 1, "maximum": 1000}},
		"owed":     {"description": "Only what is owed: refused, and its money is with the shop", "schema": object{"type": "string", "enum": []string{"true", "false"}}},
		"lang":     {"description": "The language of explanations", "schema": object{"type": "string", "enum": []string{"en", "fa"}, "default": "en"}},
		"dry_run":  {"description": "Say what would happen, and do nothing", "schema": object{"type": "string", "enum": []string{"", "0", "1", "false", "true"}}},
		"provider": text("A provider's name"),
	}
	for _, f := range filters {
		all[f[0]] = text(f[1])
	}
	for _, name := range []string{"conversion", "webhook"} {
		all[name]["schema"] = object{"type": "string", "enum": operate.ReportStates()}
	}
	return all
}()

// document is the OpenAPI document of the admin endpoint's routes.
var document = sync.OnceValue(func() object {
	s := schemas{made: make(map[string]object)}
	paths := object{}
	for _, name := range slices.Sorted(maps.Keys(routes)) {
		paths[pathOf(name)] = operation(name, &s)
	}
	components := object{}
	for name, schema := range s.made {
		components[name] = schema
	}
	return object{
		"openapi": "3.1.0",
		"info": object{
			"title": "caddy-payments", "version": "1",
			"description": "The routes of Caddy's admin endpoint that look after payments. Whoever may reach the admin endpoint may use them. Amounts are integer rials; unknown parameters and fields are refused.",
			"license":     object{"name": "Apache-2.0", "identifier": "Apache-2.0"},
		},
		"servers":    []object{{"url": "http://localhost:2019"}},
		"security":   []object{},
		"paths":      paths,
		"components": object{"schemas": components},
	}
})

func pathOf(name string) string {
	if routes[name].ref {
		return prefix + name + "/{ref}"
	}
	return prefix + name
}

func operation(name string, s *schemas) object {
	rt, d := routes[name], descriptions[name]
	op := object{"operationId": cmp.Or(name, "summary"), "summary": d.summary, "tags": []string{"payments"}}
	var params []object
	if rt.ref {
		params = append(params, object{
			"name": "ref", "in": "path", "required": true, "schema": object{"type": "string"},
			"description": "Our reference of the payment; its first 8 characters do",
		})
	}
	for _, q := range operate.Queries(name) {
		p := object{"name": q, "in": "query"}
		maps.Copy(p, parameters[q])
		if name == "webhooks" && q == "state" {
			p["schema"], p["description"] = object{"type": "string", "enum": operate.TellStates()}, "Only messages of this state; default: those that were not taken"
		}
		params = append(params, p)
	}
	op["parameters"] = params
	switch {
	case d.text:
		op["requestBody"] = object{"required": true, "content": object{"text/plain": object{"schema": object{"type": "string"}}}}
	case d.body != nil:
		op["requestBody"] = object{"content": object{"application/json": object{"schema": s.of(d.body, true)}}}
	}
	code := strconv.Itoa(cmp.Or(d.code, http.StatusOK))
	kind, answer := "application/json", object{"type": "object"}
	if d.answer != nil {
		answer = s.of(d.answer, false)
	}
	if d.lines {
		kind, answer = "application/x-ndjson", object{"type": "string", "description": "A JSON object of a payment on each line"}
	}
	op["responses"] = object{
		code:      object{"description": "Done", "content": object{kind: object{"schema": answer}}},
		"default": object{"description": "What is wrong, and what to send instead: 400 of the request, 404 of the reference, 405 of the method, 409 of the payment's state or version, 503 of the ledger", "content": object{"application/json": object{"schema": object{"$ref": "#/components/schemas/Error"}}}},
	}
	s.made["Error"] = object{"type": "object", "properties": object{"error": object{"type": "string"}}, "required": []string{"error"}}
	return object{strings.ToLower(rt.method): op}
}

func (c *call) openapi() error { return c.answer(document()) }

// enums are the types that have few words.
func enums() map[string][]string {
	return map[string][]string{
		"payment.State":       block.Words(payment.States()),
		"payment.ReportState": operate.ReportStates(),
		"operate.Level":       block.Words([]operate.Level{operate.LevelOK, operate.LevelWarn, operate.LevelError}),
		"explain.Money":       block.Words([]explain.Money{explain.MoneyYes, explain.MoneyNo, explain.MoneyReturns, explain.MoneyUnknown}),
	}
}
