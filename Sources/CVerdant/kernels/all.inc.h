// Included once per instruction set, inside that set's target region, with
// VD_ISA (suffix), VD_WIDTH (floats in a vector) and VD_ROWS (rows of a product tile) defined, and
// VD_PAIR_PRODUCTS where the set multiplies pairs of bf16.
#include "math.inc.h"
#include "typed.inc.h"
#include "elementwise.inc.h"
#include "activation.inc.h"
#include "norm.inc.h"
#include "rotary.inc.h"
#include "loss.inc.h"
#include "optimizer.inc.h"
#include "random.inc.h"
#include "gemm.inc.h"
#include "blocks.inc.h"
#include "attention.inc.h"

#define VD_JOIN2(a, b) a##b
#define VD_JOIN(a, b) VD_JOIN2(a, b)
#define VD_TEXT2(a) #a
#define VD_TEXT(a) VD_TEXT2(a)

const vd_kernels VD_JOIN(vd_kernels_, VD_ISA) = {
    .name = VD_TEXT(VD_ISA),
    .unary = unary,
    .binary = binary,
    .reduce = reduce,
    .accumulate = accumulate_typed,
    .scale = scale_in_place,
    .fill = fill,
    .sum_of_squares = sum_of_squares,
    .sum = sum,
    .to_bf16 = to_bf16,
    .from_bf16 = from_bf16,
    .bias_activation = bias_activation,
    .add_bias_rows = add_bias_rows,
    .activation_backward = activation_backward,
    .gated_unit = gated_unit,
    .gated_unit_backward = gated_unit_backward,
    .column_sum = column_sum,
    .layer_norm = layer_norm,
    .layer_norm_backward = layer_norm_backward,
    .rms_norm = rms_norm,
    .rms_norm_backward = rms_norm_backward,
    .rotary_table = rotary_table,
    .rotate = rotate,
    .block_product = block_product,
    .load_rows = load_rows,
    .load_columns = load_columns,
    .load_pairs = load_pairs,
    .store_block = store_block,
    .add_diagonals = add_diagonals,
    .softmax_columns = softmax_columns,
    .score_gradients = score_gradients,
    .row_dot = row_dot,
    .cross_entropy = cross_entropy,
    .adamw = adamw,
    .lamb = lamb,
    .sgd = sgd,
    .average = average,
    .step = step,
    .dropout = dropout,
    .gemm = gemm,
};
