package dev.octet.torch.train.events;

/**
 * The numbers of the fields and constants in TensorFlow's {@code event.proto}, {@code
 * summary.proto}, {@code tensor.proto}, {@code tensor_shape.proto} and {@code types.proto} that
 * event files are written with.
 */
final class Fields {

  static final int EVENT_WALL_TIME = 1;
  static final int EVENT_STEP = 2;
  static final int EVENT_FILE_VERSION = 3;
  static final int EVENT_SUMMARY = 5;
  static final int EVENT_SESSION_LOG = 7;

  static final int SESSION_LOG_STATUS = 1;
  static final int SESSION_LOG_START = 1;

  static final int SUMMARY_VALUE = 1;
  static final int VALUE_TAG = 1;
  static final int VALUE_SIMPLE_VALUE = 2;
  static final int VALUE_HISTO = 5;
  static final int VALUE_TENSOR = 8;
  static final int VALUE_METADATA = 9;
  static final int METADATA_PLUGIN_DATA = 1;
  static final int PLUGIN_NAME = 1;

  static final int HISTO_MIN = 1;
  static final int HISTO_MAX = 2;
  static final int HISTO_NUM = 3;
  static final int HISTO_SUM = 4;
  static final int HISTO_SUM_SQUARES = 5;
  static final int HISTO_BUCKET_LIMIT = 6;
  static final int HISTO_BUCKET = 7;

  static final int TENSOR_DTYPE = 1;
  static final int TENSOR_SHAPE = 2;
  static final int TENSOR_STRING_VAL = 8;
  static final int DTYPE_STRING = 7;
  static final int SHAPE_DIM = 2;
  static final int DIM_SIZE = 1;

  private Fields() {}
}
