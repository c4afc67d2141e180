package admin

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/payment"
)

// questions are asked of a person, one after the other. An answer that can't be used is
// refused at once, with what to write instead, and the question comes again.
type questions struct {
	in   *bufio.Scanner
	out  io.Writer
	lang lang.Lang
}

func (q *questions) read() (string, error) {
	if !q.in.Scan() {
		fmt.Fprintln(q.out) // the error begins on a line of its own
		if err := q.in.Err(); err != nil {
			return "", fmt.Errorf("reading the answer: %w", err)
		}
		return "", usage("%w: give it as a flag", errNoAnswer)
	}
	return strings.TrimSpace(q.in.Text()), nil
}

// text asks for a text unless there is one, which is checked the same way.
func (q *questions) text(question lang.Text, to *string, usual string, check func(string) error) error {
	if *to != "" {
		if err := check(*to); err != nil {
			return usage("%w", err)
		}
		return nil
	}
	for {
		if fmt.Fprint(q.out, question.In(q.lang)); usual != "" {
			fmt.Fprintf(q.out, " [%s]", usual)
		}
		fmt.Fprint(q.out, ": ")
		answer, err := q.read()
		if err != nil {
			return err
		}
		if answer == "" {
			answer = usual
		}
		if err = check(answer); err == nil && answer != "" {
			*to = answer
			return nil
		}
		if err != nil {
			fmt.Fprintln(q.out, err)
		}
	}
}

// choice asks for one of some words unless there is one. A number may have Persian digits.
func (q *questions) choice(question lang.Text, to *string, words []string, explain func(string) lang.Text) error {
	if *to != "" {
		return nil
	}
	fmt.Fprintln(q.out, question.In(q.lang))
	longest := 0
	for _, w := range words {
		longest = max(longest, len(w))
	}
	for i, w := range words {
		fmt.Fprintln(q.out, strings.TrimRight(fmt.Sprintf("  %2d  %-*s  %s", i+1, longest, w, explain(w).In(q.lang)), " "))
	}
	for {
		fmt.Fprintf(q.out, "%s: ", initTexts.choose.In(q.lang))
		answer, err := q.read()
		if err != nil {
			return err
		}
		if n, err := strconv.Atoi(payment.ASCIIDigits(answer)); err == nil && n >= 1 && n <= len(words) {
			*to = words[n-1]
			return nil
		}
		if word := strings.ToLower(answer); slices.Contains(words, word) {
			*to = word
			return nil
		}
		if answer != "" {
			fmt.Fprintf(q.out, initTexts.none.In(q.lang)+"\n", answer)
		}
	}
}
