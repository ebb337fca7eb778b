//! The learner: for each class a linear support vector machine against all others, with squared hinge
//! loss, by dual coordinate descent with shrinking (Hsieh et al., A Dual Coordinate Descent Method for
//! Large-scale Linear SVM, 2008).

use std::thread;

use crate::sample::{SPACE, Vector};

/// How much an error costs against the length of the weights.
const COST: f32 = 2.0;
const MOST_EPOCHS: usize = 30;
/// Where no step is longer any more, the end.
const PRECISION: f32 = 0.01;
/// An example that is so far on its side is left alone until the end.
const FAR: f32 = 0.3;
const THREADS: usize = 2;

/// What one class has learnt.
#[derive(Clone, Debug)]
pub struct Linear {
    /// By feature.
    pub weights: Vec<f32>,
    /// For any text.
    pub bias: f32,
}

impl Linear {
    /// What speaks for the class.
    pub fn score(&self, vector: &Vector) -> f32 {
        self.bias + dot(&self.weights, vector)
    }
}

/// Learns every class from `vectors`, the classes of which are `labels`.
pub fn learn(vectors: &[Vector], labels: &[usize], classes: usize) -> Vec<Linear> {
    let mut learnt: Vec<Option<Linear>> = vec![None; classes];
    let share = classes.div_ceil(THREADS);
    thread::scope(|scope| {
        for (part, slots) in learnt.chunks_mut(share).enumerate() {
            scope.spawn(move || {
                for (index, slot) in slots.iter_mut().enumerate() {
                    let class = part * share + index;
                    let sides: Vec<f32> = labels
                        .iter()
                        .map(|&label| if label == class { 1.0 } else { -1.0 })
                        .collect();
                    *slot = Some(separate(vectors, &sides, class as u64));
                }
            });
        }
    });
    learnt.into_iter().flatten().collect()
}

/// The plane between the vectors of side 1 and those of side -1.
fn separate(vectors: &[Vector], sides: &[f32], seed: u64) -> Linear {
    let mut plane = Linear {
        weights: vec![0.0; SPACE],
        bias: 0.0,
    };
    let slack = 0.5 / COST;
    let squares: Vec<f32> = vectors
        .iter()
        .map(|vector| 1.0 + slack + vector.iter().map(|(_, value)| value * value).sum::<f32>())
        .collect();
    let mut pulls = vec![0_f32; vectors.len()];
    let mut order: Vec<usize> = (0..vectors.len()).collect();
    let mut active = order.len();
    let mut random = Random::new(seed);
    for epoch in 0..MOST_EPOCHS {
        random.shuffle(&mut order[..active]);
        let mut longest = 0_f32;
        let mut at = 0;
        while at < active {
            let index = order[at];
            let (vector, side) = (&vectors[index], sides[index]);
            let gradient = side * plane.score(vector) - 1.0 + slack * pulls[index];
            if pulls[index] == 0.0 && gradient > 0.0 {
                if gradient > FAR && epoch > 0 {
                    active -= 1;
                    order.swap(at, active);
                } else {
                    at += 1;
                }
                continue;
            }
            longest = longest.max(gradient.abs());
            let pull = (pulls[index] - gradient / squares[index]).max(0.0);
            let step = (pull - pulls[index]) * side;
            pulls[index] = pull;
            plane.bias += step;
            for &(feature, value) in vector {
                plane.weights[feature as usize] += step * value;
            }
            at += 1;
        }
        if longest < PRECISION {
            if active == order.len() {
                break;
            }
            active = order.len();
        }
    }
    plane
}

fn dot(weights: &[f32], vector: &Vector) -> f32 {
    let products = vector
        .iter()
        .map(|&(feature, value)| weights[feature as usize] * value);
    products.sum()
}

/// Xorshift: the same numbers for the same seed.
pub struct Random(u64);

impl Random {
    /// A sequence of its own for each seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(7_919).wrapping_add(12_345))
    }

    /// The next number.
    pub const fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for index in (1..items.len()).rev() {
            let other = self.next() % (index as u64 + 1);
            items.swap(index, other as usize);
        }
    }
}
