"""Specs for the tests of parser and formatter, and what the tests do with trees and words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from hypothesis import strategies as st

from specc import syntax
from specc.diagnostics import Diagnostic, Diagnostics
from specc.parse import parse
from specc.parsing.reporter import Reporter
from specc.parsing.tokens import Token, scan
from specc.source import Source, Span

LENET = """\
# LeNet-5 (LeCun et al. 1998), as in the notes: sigmoid after each convolution.
net LeNet(classes = 10) {
  input  image: real[1, 28, 28]
  target digit: label of classes

  conv(6, 5, pad=2) -> sigmoid -> maxpool(2)
  conv(16, 5)       -> sigmoid -> maxpool(2)
  flatten
  dense(120) -> sigmoid
  dense(84)  -> sigmoid
  dense(classes)

  loss cross_entropy
}

train {
  data      mnist("data/mnist")
  epochs    5
  batch     64
  optimizer adam(lr=0.002)
  metric    accuracy
  seed      0
}
"""

NETWORKS = """\
# GoogLeNet's four parallel paths
block inception(c1, c2, c3, c4) {
  concat {
    path { conv(c1, 1) -> relu }
    path { conv(c2[0], 1) -> relu -> conv(c2[1], 3, pad=1) -> relu }
    path { conv(c3[0], 1) -> relu -> conv(c3[1], 5, pad=2) -> relu }
    path { maxpool(3, stride=1, pad=1) -> conv(c4, 1) -> relu }
  }
}

block residual(channels, stride = 1) {
  add {
    path {
      conv(channels, 3, stride=stride, pad=1) -> batchnorm -> relu
      conv(channels, 3, pad=1) -> batchnorm
    }
    path { if stride != 1 or in.channels != channels { conv(channels, 1, stride=stride) } }
  }
  relu
}

block dense_layer(growth) {
  concat { path {} path { batchnorm -> relu -> conv(growth, 3, pad=1) } }
}

block transition(channels) { batchnorm -> relu -> conv(channels, 1) -> avgpool(2) }

block vgg(layers, channels) {
  repeat layers { conv(channels, 3, pad=1) -> relu }
  maxpool(2)
}

block nin(channels, kernel, stride = 1, pad = 0) {
  conv(channels, kernel, stride=stride, pad=pad) -> relu
  repeat 2 { conv(channels, 1) -> relu }
}

net ResNet18(classes = 10) {
  input  image: real[3, 224, 224]
  target class: label of classes
  conv(64, 7, stride=2, pad=3) -> batchnorm -> relu -> maxpool(3, stride=2, pad=1)
  repeat 2 { residual(64) }
  for width in [128, 256, 512] { residual(width, stride=2) -> residual(width) }
  global_avgpool -> dense(classes)
  loss cross_entropy
}

# chapter 9 of the book: sentiment of film reviews
net Sentiment(vocab = 20000, units = 32) {
  input  words: token[400] of vocab
  target mood: label of 2
  embedding(vocab, 50)
  gru(units, layers=3, bidirectional=true) -> last
  dropout(0.5) -> dense(2)
  loss cross_entropy
}

# chapter 8: the next 20 closes of an index from 64 days
net IndexLSTM {
  input  days: real[64, 3]
  target closes: real[20]
  lstm(128, layers=3) -> last -> dense(20)
  loss mse
}

# character language model with a deep RNN
net CharRNN(vocab = 28, units = 256) {
  input  chars: token[T] of vocab
  target next:  label[T] of vocab
  one_hot(vocab) -> rnn(units, layers=2) -> dense(vocab)
  loss cross_entropy
}
"""

EVERYTHING = """\
# head

# two
import "a.net" # c
let x=1;let y = - 2**-3 + (4) // 1 % 5 * "é\\n\\"" ;

cell step ( units=4 ){ input x,skip; state h:[units] , c : [ 2*units , ]
  state cell_:[1]
  from x,h->concat -> dense( units )->tanh as  state h ; sigmoid  as state c}

net A ( a=1 , b = [1,2,] )
{ # open


  input image:real[3,  16*H] , words : token[T]of vocab padded # tr
  # own

  conv(64,3,pad = 1)->relu # first
       # between
     ->maxpool( 2 ) ; flatten ; # after semicolon
  conv( # a
   64,
      3, # b
   pad=[1,
     2],
      )->relu
  if a==1 and not(b){relu}
  # before else
  else if in.height<=3{tanh} else
  { sigmoid }
  stem:repeat 2{conv(1)->relu;tanh}->relu as (a,b,)
  concat(axis=1){path{conv(1);relu}path{} ; path { relu }}
  concat { path { conv(1000000, 3, pad=1) -> relu -> relu } path { conv(100000, 3, pad=1) } }
  from tap[i] , state,in->add ->
     # why
     repeat 3 {
       relu } as q
     -> lstm(1, initial=state) as tap[ i+1 ]
  shared enc=stack(64); shared run=scan step( 8 )
  run:scan step ( 8,h = state ) as( sequence,state , _)
  let z = range(1, step=2)[0]
  output a, tap[1]
  loss mse ( target=x , mask = m )
  # last
}
train a for A{optimizer adam(lr=0.1);clip -3; betas [1]
epochs 5 # five
split validation=0.1, b=none}
train { }
# end"""

EXAMPLES = (LENET, NETWORKS, EVERYTHING)

_POOL = (
    *("\n", "\n\n", ";", "{", "}", "(", ")", "[", "]", "->", ",", "=", ":", ".", "-"),
    *("#c\n", "\n# own\n", "as x", "path {}", "else {}", "if", "state", "cell", "scan", "net"),
    *('"a', '"', "@", "é", "x", "1", "1.5", "\u202e", "\0"),
)


def parsed(text: str) -> tuple[syntax.Program, list[Diagnostic]]:
    """The tree of a text and what is wrong with it."""
    diagnostics = Diagnostics()
    program = parse(Source("x.net", text), diagnostics)
    return program, list(diagnostics)


def words(text: str) -> list[Token]:
    """All words of a text, comments too."""
    return scan(Reporter(Source("x.net", text), Diagnostics()))


def nodes(value: Any) -> Iterator[Any]:
    """All nodes of a tree, parents first."""
    if isinstance(value, tuple):
        for part in value:
            yield from nodes(part)
    elif is_dataclass(value) and not isinstance(value, Span | Source):
        yield value
        for field in fields(value):
            yield from nodes(getattr(value, field.name))


def without_spans(value: Any) -> Any:
    """A tree as nested tuples that do not know where anything stood."""
    if isinstance(value, tuple):
        return tuple(map(without_spans, value))
    if isinstance(value, Span | Source):
        return None
    if is_dataclass(value):
        parts = (without_spans(getattr(value, field.name)) for field in fields(value))
        return (type(value).__name__, *parts)
    return (type(value).__name__, value)


@st.composite
def mutated_specs(draw: st.DrawFn) -> str:
    """An example with a few words left out, doubled, replaced or put in."""
    text = draw(st.sampled_from(EXAMPLES))
    known = words(text)
    for _ in range(draw(st.integers(0, 4))):
        word = draw(st.sampled_from(known))
        new = draw(st.sampled_from(_POOL) | st.sampled_from(known).map(lambda w: w.text))
        start, end = word.start, draw(st.sampled_from((word.start, word.end)))
        text = text[:start] + new + draw(st.sampled_from(("", " "))) + text[end:]
    return text
