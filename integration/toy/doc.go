// Package toy is a payment gateway that exists nowhere, and the module that speaks
// to it, written against the public contracts alone. It uses every one of them: its
// pay page wants a form, its receipt number comes only with the return, its order
// numbers are integers, it counts toman, a payment is confirmed and then settled, and
// it can be asked, and lists what is unconfirmed.
//
// It is the proof that a gateway needs nothing but a folder and an import line: what
// it shows must work for anybody's module in a repository of their own.
package toy
