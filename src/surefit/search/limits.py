"""The numbers that the search for a network goes by, each with the reason or the benchmark it was read from.

Shares of errors are of the largest |target|, or of what it varies by where that is less. Nothing here is a time: the
clock decides only where a time was given.
"""

from __future__ import annotations

# --- how good is good enough ---
GOAL = 1e-7  # what is aimed at when no tolerance is given
KNOWN_TO = 2.0**-48  # of the largest value: no error is less where values have an offset and are computed in float64
FLOAT32 = 5e-7  # below this the rounding of a network in float32 hides what is left
LEARNED = 0.3  # error above which nothing is learned yet, so that no trend can be seen
CLEAN = 1e-5  # validation error, in deviations, below which measured data have no noise worth speaking of
NEARLY_CLEAN = 1e-3  # the same, below which no Gaussian process is asked to do better where rows are many
SELDOM = 1e-3  # of the largest error: a root mean square that says that it is so large in very few places
FAINTER = 10.0  # times smaller: a largest error that is so beside that of jumps alone has not just missed the jumps
JUMP = 0.1  # at a jump the largest error cannot fall below half of the jump: then the rmse decides
ROUNDING = 1e-4  # errors below which the order of float32 sums could be seen
ROUNDINGS = 16.0  # of the sum of the absolute output weights: what two orders of evaluation may differ by
NUDGED, ROUNDED = 32, 0.01  # points an ulp away, and the share of the largest error by which values there may differ
SURE = 2.0  # standard errors by which Adam must beat the others on measured data
ENOUGH_ROWS = 30  # validation rows, with fewer of which that tells nothing
SIMPLER = 1.05  # times the score of the best: a polynomial with such a score is kept (benchmarks/noisy_tables.py)
MEAN_OF, MEAN_WITHIN = 5, 1.2  # networks whose mean is tried, and times the best score that theirs may be
MOST_MEAN = 800  # units of such a mean
FAR = 10.0  # times as small: such an error is no luck, however few and unlike the rows are

# --- what a method can do (benchmarks/functions.py, 50 equations) ---
ADAM_REACHES = 1e-3  # error below which Adam has nothing to add
ADAM_AFTER_LM = 1e-2  # the same after Levenberg-Marquardt, which has then found what bends
LM_REACHES = 1e-5  # error below which Levenberg-Marquardt has nothing to add
HELPED = 3.0  # more units that lower the error by less than this do not help
IN_REACH = {1: 1e4}  # variable projection is tried when the error is so many times the goal; more units are cheap too
IN_REACH_OF_MORE = 100.0  # in more than one dimension, where it costs more
WORTH = 1.05  # a round that lowers the error by less than this did not help
WORTH_REFINING = 1.2  # the same of a round of more units

# --- networks that are tried ---
COSTLY = 0.1  # of the time that is left: with many inputs, units placed at random that take more are left out
UNITS = {1: (20, 50, 100, 200, 400, 800, 1600), 2: (60, 150, 300, 600, 1000), 3: (150, 400, 800, 2000)}  # by inputs
MANY_INPUTS = (300, 800, 2000)
LARGE = 400  # units from which a scan tries few gains
PART_UNITS = (20, 50, 100)  # for each input of a part of a sum
DEEP = (16, 16)  # hidden layers that Levenberg-Marquardt is tried on
DEEPER = ((24, 24), (32, 32), (48, 48))  # others, where a time is given
MOST_MONOMIALS = 300  # of a polynomial that is tried on measured data
NAMED_UNITS = {1: 50, 2: 80}  # of variable projection, by inputs; else 60
NOISY_UNITS = (30, 100, 300, 800)  # of measured data
HELPED_NOISY = 1.5  # of these the last, which cost most, only where the ones before them lowered the error so much
ADDITIVE_UNITS = (4, 12)  # for each input of measured data
ROWS_OF_UNIT = 4  # rows for each unit of these, at least
MANY_COLUMNS = 6  # inputs of measured data from which on it is asked which of them matter
WIDE = 0.25  # inputs for each row, beyond which only those that matter are tried
MOST_REFINED = 1000  # units in all after rounds of more units
REFINED = 4  # rounds of more units where the error is
REFINING_SCALES = (8.0, 32.0, 16.0, 4.0)  # gains of the new units, in the order in which they are tried
# Where a function of one input is rough: local lengths of units to a piece that takes degree 16, how fast lengths grow
# with the distance, and the share of the goal to which pieces are resolved; as they are tried (benchmarks/hard.py).
GRADED = ((5.0, 0.3, 0.02), (7.0, 0.25, 0.02), (10.0, 0.2, 0.002), (16.0, 0.12, 2e-4), (24.0, 0.1, 2e-5))
GRADED_GAIN = 0.3  # gain of such a unit in its local length: less needs larger weights, more resolves less
BESIDE_ENDS = 12  # such units beyond each end
FINER = 400  # units of those at most whose output layer is solved for once more, densely, when rounded to float32
FIRST_OF_ONE = 3  # rungs of one input before it is asked where the function is rough
# A network that a formula says: how often it is tried, with which error of each function of one variable at first, of
# the goal, and at last, of its size.
COMPOSED, COMPOSED_FIRST, COMPOSED_LEAST = 4, 0.01, 1e-14
CONTRACTED = 0.01  # of the goal, to which each step of a function that takes its inputs together is fitted
IN_OTHER_FORMS = (0.01, 1e-4)  # the same of steps that are tried in other forms, and again where that helped
AGAIN_UNTIL = 0.5  # of the time, up to which that is
MOST_DEEP, MOST_WIDE = 8, 3000  # hidden layers of such a network, and units of one
# A sum of products of functions of one input: how often it is tried, with which error at first, of the goal, and at
# last, of the size; and values that tell the products, of two inputs and of three.
SEPARATED, SEPARATED_FIRST, SEPARATED_LEAST = 3, 0.3, 1e-12
MOST_SEPARATED = {2: 300_000, 3: 2_000_000}  # by inputs
UNASKED_PARAMETERS = 100_000  # of such a network at most where no tolerance was asked for
# Of such a network where nothing else comes so near as that share: kinks of several numbers need them.
MOST_UNASKED, GOOD_ENOUGH = 1_200_000, 1e-4
MEASURED_IN = 0.8  # of the time that is left, in which such a network can be measured
VALUES_OF_TIME = 0.3  # of the time that is left, for these, where a time is given
BEFORE_SEPARATED = {2: 2, 3: 1}  # rungs before it is tried, by inputs
FIRST_OF_TWO = 1  # rungs of two inputs before such a network is tried; of more none
MOST_KINKED, MOST_KINKED_INPUTS = 300, 6  # relu units of a function that is linear but for kinks, and its inputs
PLACED = 400  # units at most that are placed again for float32

# --- measured data of few rows (benchmarks/simulators.py) ---
FEW_ROWS = 500  # of a table, up to which all train and nobody is held out, where no split was asked for
HANDFUL = 3  # rows that a linear function is fitted to and nothing else: the best of many would be the luckiest
MOST_ROWS_TAUGHT, MOST_TAUGHT_INPUTS = 1500, 50  # with which a Gaussian process is tried
MULTIPLE = 2.0  # the largest value over the smallest from which on a process of logarithms is tried
SURELY_MULTIPLIES = 4.0  # log of how much more probable to it values must be (Kass and Raftery 1995: 3 to 5 is strong)
SURELY_EXACT = 5.0  # the same of a process without noise, of rows that nobody spread on purpose (5: very strong)
ROWS_OF_LENGTHS = 400  # rows at most from which its hyperparameters are found
STARTS_OF_MANY = 1  # of that search with more than half as many rows; twice as many with fewer
CATEGORIES = 5  # columns of 0 and 1, of which a row has one 1, from which on they have effects without lengths
ROWS_FOR_LINEAR = 3  # rows for each coefficient of a linear mean
NOISY = 0.02  # left-out error, in deviations, from which on it is asked whether fewer inputs do better
LEAST_SLOPE = 0.07  # deviations that values change by with one of an input, below which it is left out
MOST_REFITTED, FOLDS = 120, 20  # rows up to which its hyperparameters are found again without the rows of a fold
MOST_REFITTED_SHORTLY, FOLDS_OF_MORE, ITERATIONS_OF_MORE = 250, 10, 6  # the same of more rows, with few iterations
CLEARLY = 0.8  # times the score of what learned from a teacher that found no noise: sums with more are not preferred
ITERATIONS_OF_CHOICE = 30  # of a search without a fold that is to tell which inputs it would have had
SPOILT = 100.0  # deviations that values are off by where the covariance of a fold was singular: it tells nothing
MOST_SEARCHED = 60  # rows up to which that search begins where nothing is known, and not where it had ended
STACK_RIDGE = 0.2  # of a mean square, that equal shares of a mean of models are preferred by
MOST_ALONE = 4  # outputs that have hyperparameters of their own; of more outputs all share them
MOST_NETWORKS = 10_000  # of restarts or of an ensemble: more are a slip, and their seeds alone would fill the memory
MOST_PARAMETERS = 500  # of a network that learns from a teacher, where nobody asks for more
LEAST_OF_EFFECTS = 200  # of these at least, however many categories have an offset beside
LEAST_TAUGHT = 0.25  # of these, that it has in a mean of models at least
CLOSE = 0.1  # of the teacher's error: a network as near to it need not be nearer
CLOSE_ALONE = 1e-3  # the same of a teacher of which no error is known, in deviations of its values
CLOSEST = 1e-6  # of the deviation of the values: nearer is of no use
CLOUD = 5  # points for each parameter of such a network, that it learns from
WIDER = 0.5  # half widths of each input on both sides of rows that fill no box, where such a network learns, too
LOOKED_AT = 2000  # fresh points that tell how near it is
# How far errors that are estimated were off: the deviation of their logarithm has a part of what rows tell of it, one
# over the root of their number, and one over the number of inputs where there is no noise; read from the fits of 241
# drawn functions of 1 to 5 inputs with 20 to 200 rows, and 155 fits of simulators, so that nine of ten lie within.
UNKNOWN, UNKNOWN_OF_TAUGHT = 1.0, 1.6
IN_PLACES = 1.0
BELOW, ABOVE = 1.75, 1.9  # such deviations to both sides: true errors are farther above than below

# --- networks for tables (benchmarks/tables.py) ---
TABULAR_ROWS, TABULAR_MOST_ROWS, TABULAR_MOST_INPUTS = 250, 20_000, 100  # with which they are tried
SMOOTH = 5e-3  # left-out error, in deviations, below which they are not: smooth values without noise
COMPILING = 5.0  # seconds that must be left, where a time is given: two may go into compiling
SMALLER = 1.03  # times their score: with such a score a network that is not of them is kept
SMOOTHER = 1.01  # times the score of trees: with such a score a model without them is kept, for it is smoother
STACKED, MOST_BLENDED = 0.99, 3  # times the score of the best, that a mean of so many models at most must have
STACKED_LARGE = 0.97  # the same of a mean with trees or networks for tables in it
HEDGED, OF_LINE = 2.5, 0.6  # standard errors by which the best must beat ridge regression; else so much is of that
EVEN = 1 / 300  # of even samples, how many are not taken for one
LEAST_NOISE = 0.2  # deviations of noise in a design: with less the rows are runs of a simulator, and models stay alone
# Rows for each input and one more, with fewer of which nothing tells that rows which nobody spread on purpose have no
# noise, but that a line misses those left out by so many times the mean square: of lines with noise 2.2 at most.
ROWS_THAT_TELL, BESIDE_LINE = 6, 3.0
LEAST_SHARE = 0.05  # of a mean of two, below which one alone is as good

# --- points ---
MOST_ASKED, MOST_CALLED = 100_000, 25_000  # values of a formula, of a callable, that tell where it is rough
ROUGHEST = 1e-6  # of the largest value, to which pieces must be resolved at least
ENOUGH = 20_000  # training points of a function of many inputs, whatever the network
LM_FEW, LM_MANY = 5, 20  # training points for each parameter that Levenberg-Marquardt begins and goes on with
LM_ADDED = 0.15  # of the points, in each round after the first
MOST_NUMBERS = 2**26  # of a Jacobian that nobody asked for: half a GiB, and a solver keeps three of them
MOST_VALUES = 100_000  # of a Python function, for points that are added: it may be slow

SUDDEN, SUDDEN_CALLS = 50_000, 5000  # places of one input, at most, at which it is looked for what is narrow, if values
# come at once, or one by one
SUDDEN_SECONDS = 0.3  # that these values may cost
SUDDEN_OF_TIME = 0.01  # of the time, where it is given, for values that tell where something narrow is

# --- iterations ---
LM_FIRST, LM_AGAIN = 60, 15  # at first, and whenever there are more points
LM_ROUNDS = 6  # with more points, when nothing was asked for
LM_ROUNDS_ASKED = 30  # where there is a tolerance to reach, or time to use
STARTS = 1000  # of a network that was given, where there are a tolerance and time for it
MOST_DOUBLED = 4  # how often the next of these takes Adam twice as long
DEEP_VARPRO = 60  # iterations on a network of several hidden layers
FEWER = 4  # measured data get so much less of Adam than it takes by itself: it is seldom the best there
# Of very many rows: how many are visited in all, epochs at least, and rows of a batch, which visit them faster; ten
# epochs in batches of 128 take less than twelve in batches of 64, and are as near to the truth.
VISITED, FEWEST_VISITS, LARGE_BATCH = 8e6, 4, 128

# --- cost, in floating-point operations (`cost.py`): one core does about 5e9 a second ---
ITERATION = 1.1e10  # of an iteration of a solver that is the main hope: two seconds
BY_THE_WAY = 8e8  # of an iteration of a search between the rungs, or of measured data
ROWS_FIX = 1.4  # rows for each searched parameter, at least
SOLVE = 1.6e10  # of one least-squares solve on measured data
PASS = 4e12  # of one on all rows of a table that is read in parts: a minute or two on two cores
SURELY_HELPED = 0.97  # times the error of fewer units, that more must have there for still more to be tried
QUICK = 8e8  # of one that may be tried a dozen times
ROUNDS = 3e11  # of all rounds of Levenberg-Marquardt, when no time is given: half a minute

# --- proofs while fitting ---
MARGIN = 0.9  # of the tolerance, that attempts aim at where it is to be proved
STRICTER, LEAST_MARGIN = 0.75, 0.2  # times the margin after a proof that failed; the least
PROOF_GAP = 0.2  # between the two bounds of an error that is to become smaller
WORST_BOXES, WITNESSES = 32, 4  # whose middles join the training points, and how often each counts
PROOF_ROUNDS, PROOF_ROUNDS_ASKED = 12, 200  # with more points; where time is given
PROOF_FAILED, PROOF_FAILED_ASKED = 3, 10  # of them that do not help, one after the other: the same points, once more
PROOF_WORK, MOST_BOXES = 2e11, 100_000  # multiplications, and boxes, of one proof
PROOF_OF_TIME = 0.5  # of the time that is left, for one proof
FINAL_OF_TIME = 0.1  # of all the time, that a proof of what was kept may take beyond it

# --- shares of the time, where it is given ---
SOLVER_RESERVE = 0.3  # when Levenberg-Marquardt or Adam may have to follow
LM_RESERVE = 0.1  # when Adam may have to follow
LAST_RESERVE = 0.04  # when nothing follows but measuring the error
OF_DEEPER = 0.5  # of what is left, that the first iterations on a wider network may take
FIRST_RESERVE = 0.6  # after the features of measured data
