/* All of qntk, in reading order. */
#ifndef QNTK_QNTK_H
#define QNTK_QNTK_H

#include "qntk/status.h"
#include "qntk/memory.h"
#include "qntk/rng.h"
#include "qntk/parallel.h"
#include "qntk/dataset.h"
#include "qntk/quantizer.h"
#include "qntk/anneal.h"
#include "qntk/kernel.h"
#include "qntk/decay.h"
#include "qntk/file.h"
#include "qntk/table.h"
#include "qntk/plot.h"
#include "qntk/tridiag.h"
#include "qntk/gram.h"
#include "qntk/mercer.h"
#include "qntk/moments.h"
#include "qntk/tangent.h"
#include "qntk/validate.h"
#include "qntk/spectrum.h"
#include "qntk/ridge.h"
#include "qntk/risk.h"
#include "qntk/labels.h"
#include "qntk/evaluate.h"
#include "qntk/svm.h"
#include "qntk/compare.h"
#include "qntk/study.h"
#include "qntk/curve.h"

#endif
