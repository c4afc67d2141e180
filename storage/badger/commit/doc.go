// Package commit makes few commits of many callers' changes.
//
// One goroutine writes at a time. It takes whatever changes are waiting, has each
// staged against what the ones before it have written, and commits those that pass as
// one batch, which costs one sync however many they are. Since nobody else writes, a
// change meets no conflict that is not a real one. Readers read at the newest version
// that is known to be on disk: a read never waits for the disk, and never sees a
// change that a power cut could take back, except one that is lazy.
//
// What is written, and how, is the [Config]'s: this package knows changes, their
// order, and which caller gets which answer.
//
// It promises:
//   - Each caller of [Queue.Submit] is answered exactly once, however many there are
//     and whatever fails; one whose context ends stops waiting, and the change may or
//     may not be written.
//   - A caller is told of success after the batch is durable, or, if the change is lazy,
//     after it is recorded. Later readers see it.
//   - A caller that is refused because of another change in the batch is told after
//     that change is durable.
//   - After a failure of unknown outcome, and after a panic, nothing is written any
//     more.
//   - [Queue.Close] returns when everybody was answered and nobody reads any more.
package commit
