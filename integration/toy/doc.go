// Package toy is a payment gateway that exists nowhere, and the module that speaks
// to it, written against the public contracts alone. It uses all of them: its pay page
// wants a form and sends customers back by one, its receipt number comes only with the return,
// its order numbers are integers, it counts toman, a payment is confirmed and then settled, it can be asked, it
// lists what is unconfirmed, it gives money back whole or in part, and its own API can be
// relayed to a shop's plugin.
//
// It proves that a gateway needs nothing but a folder and an import line: what works here
// works for a module in anybody's own repository.
package toy
