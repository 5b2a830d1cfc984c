"""A network whose names are as long as they can be."""

from __future__ import annotations

LONG_NAMES = """
block a_block_with_a_very_long_name_indeed(
  a_parameter_with_a_long_name, another_parameter_with_a_long_name, a_third_parameter = 3
) {
  input the_first_of_the_inputs, the_second_of_the_inputs, the_third_of_the_inputs
  from the_first_of_the_inputs ->
    conv(a_parameter_with_a_long_name * another_parameter_with_a_long_name, a_third_parameter, pad=1) ->
      relu as the_first_of_the_results
  from the_second_of_the_inputs ->
    conv(a_parameter_with_a_long_name * another_parameter_with_a_long_name, a_third_parameter, pad=1) ->
      sigmoid as the_second_of_the_results
  from the_first_of_the_results, the_second_of_the_results ->
      multiply ->
      tanh as the_third_of_the_results
  from the_first_of_the_results, the_third_of_the_inputs, the_second_of_the_results, the_third_of_the_results ->
      add as the_sum_of_them_all
  output the_first_of_the_results, the_second_of_the_results, the_sum_of_them_all
}
net LongNames {
  input a_picture_of_something_large: real[4, 8, 8]
  input another_picture_of_something: real[4, 8, 8]
  input a_third_picture_of_something: real[4, 8, 8]
  input vector_of_numbers: real[4]
  target a_target_with_a_long_name: real[4], another_target_with_a_long_name: real[4, 8, 8]
  from a_picture_of_something_large, another_picture_of_something, a_third_picture_of_something ->
    a_block_with_a_very_long_name_indeed(2, 2) as (
      the_first_result_of_block, the_second_result_of_block, the_third_result_of_block
    )
  from the_first_result_of_block, the_second_result_of_block, the_third_result_of_block, a_picture_of_something_large ->
      add as a_long_sum_of_many_things
  shared a_shared_convolution = conv(4, 3, pad=1)
  repeat 3 {
    a_shared_convolution -> relu as the_result_of_the_convolution
    from the_result_of_the_convolution, the_second_result_of_block, the_third_result_of_block, a_long_sum_of_many_things ->
      a_fourway
  } as after_all_the_repetitions
  for the_variable_of_the_loop in range(6) { conv(4, 3, pad=1) ->
      relu as some_long_tap_of_the_loop[the_variable_of_the_loop] }
  from some_long_tap_of_the_loop[0], some_long_tap_of_the_loop[1], some_long_tap_of_the_loop[2], some_long_tap_of_the_loop[3], after_all_the_repetitions ->
      multiply as a_very_long_product
  from a_very_long_product, some_long_tap_of_the_loop[4], some_long_tap_of_the_loop[5] ->
      concat as a_concatenation_of_tensors
  conv(4, 1) as the_prediction_of_the_net
  from the_prediction_of_the_net -> loss mse(target=another_target_with_a_long_name)
  global_avgpool as a_summary_of_the_image
  from a_summary_of_the_image, vector_of_numbers -> concat -> dense(4) as another_prediction
  loss mse(target=a_target_with_a_long_name, scale=0.125)
  output another_prediction, the_prediction_of_the_net, a_very_long_product
}
block a_fourway { input the_first_of_all, the_second_of_all, the_third_of_all, the_fourth_of_all
  from the_first_of_all, the_second_of_all, the_third_of_all, the_fourth_of_all ->
      multiply ->
      conv(4, 3, pad=1) ->
      tanh }
"""  # noqa: E501 - names in one list stand on one line
"""Hardly a statement of this network fits on a line."""
